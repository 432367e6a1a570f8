import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import { idOf } from '../common/words'
import '../explorer/complete'
import { names } from '../explorer/suggest'
import type { Model } from '../gen/tidemark/v1/model_pb'
import { Source } from '../gen/tidemark/v1/question_pb'
import { NOTHING, number } from '../model/format'
import { Page } from '../page/page'
import { models } from './clients'
import './one-model'
import { KINDS, type Kind, accuracy, model, predicted } from './model/target'

type Names = { event: string; eligible: string; follows: string }

/** What each kind asks of the event it is about. */
const ABOUT: Record<Kind, { event: string; any: boolean; window: string }> = {
  churn: { event: 'Being there is', any: true, window: 'Nothing of it for, days' },
  return: { event: 'Coming back is', any: true, window: 'Within, days' },
  conversion: { event: 'The goal is', any: false, window: 'Within, days' },
  outcome: { event: 'The events are', any: false, window: 'Within, days' },
}

/** All models: what each predicts, and how well it was measured to. */
@customElement('tm-models')
export class Models extends Page {
  @state() private models?: Model[]
  @state() private kind: Kind = 'churn'
  @state() private named: Names = { event: '', eligible: '', follows: '' }
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    css`
      dialog form {
        width: min(480px, 80vw);
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(180px, 1fr));
        gap: var(--space-3);
        align-items: end;
      }
      tm-complete {
        width: 100%;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Models</h1>
        <span class="grow"></span>
        ${
          this.session.author
            ? html`<button class="primary" @click=${() => this.dialog.showModal()}>${icon('add')} New model</button>`
            : nothing
        }
        <p class="muted">
          What people are going to do, learnt from what people did. A version serves only where it beats a simple rule by more than the
          interval of its lead; else the rule serves, and says so.
        </p>
      </header>
      ${this.trouble()} ${this.sheet('Models', this.body())} ${this.session.author ? this.form() : nothing}
    `
  }

  private body() {
    const { models: listed } = this
    if (!listed?.length)
      return this.empty(
        listed !== undefined,
        'No models yet',
        this.session.author
          ? 'Make one: say what is to be predicted, then train it.'
          : 'Somebody who may write can make one.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col">Predicts that</th>
          <th scope="col">Serving</th>
          <th scope="col" class="number">AUC</th>
          <th scope="col">Accuracy (95%)</th>
        </tr>
      </thead>
      <tbody>
        ${listed.map(
          each =>
            html`<tr>
              <td class="text"><a href="/insights/models/${idOf(each.name)}">${each.displayName || idOf(each.name)}</a></td>
              <td class="text">${predicted(each)}</td>
              <td>${each.servingVersion ? `version ${idOf(each.servingVersion)}` : html`<span class="chip warn">not trained</span>`}</td>
              <td class="number">${each.metrics ? number(each.metrics.auc, { decimals: 3 }) : NOTHING}</td>
              <td class="text">${each.metrics ? accuracy(each.metrics) : NOTHING}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private form() {
    const { kind } = this
    const { event, any, window } = ABOUT[kind]
    return html`<dialog aria-labelledby="create-title">
      <form method="dialog" @submit=${this.make}>
        <h2 id="create-title">New model</h2>
        <label class="field">Name <input name="title" required maxlength="100" autocomplete="off" /></label>
        <label class="field"
          >What is predicted
          <select @change=${(event: Event) => (this.kind = (event.target as HTMLSelectElement).value as Kind)}>
            ${KINDS.map(each => html`<option value=${each.value} ?selected=${each.value === kind}>${each.title}: ${each.hint.toLowerCase()}</option>`)}
          </select>
        </label>
        ${this.choice(event, 'event', any ? 'any event' : 'choose an event')}
        ${kind === 'conversion' ? this.choice('For whoever did', 'eligible', 'anything') : nothing}
        ${
          kind === 'outcome'
            ? html`<label class="field">Told by its field <input name="field" placeholder="none: told by what follows" /></label>
                ${this.choice('Or by what the person does next', 'follows', 'choose an event')}`
            : nothing
        }
        <div class="pair">
          <label class="field">${window} <input name="days" type="number" min="0.01" max="365" step="any" value="14" required /></label>
          ${
            kind === 'churn' || kind === 'conversion'
              ? html`<label class="field"
                  >${kind === 'churn' ? 'Who was there in the last, days' : 'Who did it in the last, days'}
                  <input name="within" type="number" min="1" max="3650" placeholder="any time" />
                </label>`
              : nothing
          }
          <label class="field">Looks back, days <input name="history" type="number" min="1" max="3650" placeholder="365" /></label>
        </div>
        <label class="field">Fields that are summed <input name="sums" placeholder="properties.amount; commas between several" /></label>
        <label class="field">Fields that are features <input name="fields" placeholder="properties.plan; commas between several" /></label>
        ${
          kind === 'outcome'
            ? html`<div class="pair">
                <label class="field">Tested in parts <input name="folds" type="number" min="2" max="10" placeholder="later by earlier" /></label>
                <label class="check"><input name="alone" type="checkbox" /> The event's own fields alone</label>
              </div>`
            : nothing
        }
        <label class="check"><input name="retrain" type="checkbox" /> Train anew when inputs have drifted and the error has grown</label>
        ${this.trouble()}
        <div class="row ends">
          <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
          <button class="primary" ?disabled=${this.busy}>Create</button>
        </div>
      </form>
    </dialog>`
  }

  private choice(label: string, key: keyof Names, placeholder: string) {
    return html`<label class="field"
      >${label}
      <tm-complete
        .label=${label}
        placeholder=${placeholder}
        .value=${this.named[key]}
        .suggest=${names(this.session.project, Source.EVENTS)}
        @change=${(event: CustomEvent<string>) => (this.named = { ...this.named, [key]: event.detail.trim() })}
      ></tm-complete>
    </label>`
  }

  private make = async (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.target as HTMLFormElement)
    const text = (name: string) => ((fields.get(name) as string | null) ?? '').trim()
    const several = (name: string) =>
      text(name)
        .split(',')
        .map(each => each.trim())
        .filter(Boolean)
    const asked = model({
      ...this.named,
      kind: this.kind,
      title: text('title'),
      days: Number(text('days')),
      within: Number(text('within')),
      field: text('field'),
      history: Number(text('history')),
      sums: several('sums'),
      fields: several('fields'),
      folds: Number(text('folds')),
      alone: fields.has('alone'),
      retrain: fields.has('retrain'),
    })
    const { project: parent } = this.session
    await this.act(async () => {
      const made = await models.createModel({ parent, model: asked, requestId: crypto.randomUUID() })
      navigate(`/insights/models/${idOf(made.model!.name)}`)
    })
  }

  private async load() {
    const { project: parent } = this.session
    await this.read(
      () => models.listModels({ parent }),
      ({ models: listed }) => (this.models = listed),
    )
  }
}
