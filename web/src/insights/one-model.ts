import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { navigate } from '../app/router'
import { idOf, titleOf, when } from '../common/words'
import { type Model, type ModelVersion, ModelVersion_State as State } from '../gen/tidemark/v1/model_pb'
import { NOTHING, number } from '../model/format'
import { Page } from '../page/page'
import { models } from './clients'
import './health'
import { ALGORITHMS, STATES, accuracy, predicted } from './model/target'
import './predictions'
import './training'
import './version'

/** One model: what serves and how well it was measured to, every version, how it fares, and what it predicts now. */
@customElement('tm-model')
export class OneModel extends Page {
  @state() private model?: Model
  @state() private versions: ModelVersion[] = []
  /** The version looked at, with all that lists leave out. */
  @state() private shown?: ModelVersion
  @state() private wanted = ''
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    css`
      tm-training,
      tm-version,
      tm-model-health,
      tm-predictions {
        margin-bottom: var(--space-3);
      }
      tr.shown {
        background: var(--accent-soft);
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.model = this.shown = undefined
    this.versions = []
    void this.load()
  }

  override render() {
    const { model, shown, session } = this
    const title = model?.displayName || this.name
    return html`
      <header class="row">
        <h1><a href="/insights/models">Models</a> · ${title}</h1>
        ${model && !model.servingVersion ? html`<span class="chip warn">not trained</span>` : nothing}
        <span class="grow"></span>
        ${session.author && model ? html`<button class="danger" @click=${() => this.dialog.showModal()}>Delete…</button>` : nothing}
        ${model ? html`<p class="muted">Predicts that ${predicted(model)}.${model.retrain ? ' Trains itself anew when it has to.' : ''}</p>` : nothing}
      </header>
      ${this.trouble()}
      ${model ? html`<tm-training .session=${session} .name=${model.name} @tm-trained=${() => this.load()}></tm-training>` : nothing}
      ${this.sheet('Versions', this.table())}
      ${shown ? html`<tm-version .version=${shown} .zone=${session.zone}></tm-version>` : nothing}
      ${
        model?.servingVersion
          ? html`<tm-model-health .session=${session} .name=${model.name}></tm-model-health>
              <tm-predictions .session=${session} .name=${model.name} .version=${model.servingVersion}></tm-predictions>`
          : nothing
      }
      ${this.farewell(title)}
    `
  }

  private table() {
    const { versions, session } = this
    if (!versions.length)
      return this.empty(
        this.model !== undefined,
        'No versions yet',
        session.author ? 'Train it: it takes some seconds to minutes.' : '',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Version</th>
          <th scope="col">State</th>
          <th scope="col">By</th>
          <th scope="col" class="number">AUC</th>
          <th scope="col">Accuracy (95%)</th>
          <th scope="col">Made</th>
          <th scope="col">Because</th>
          <th scope="col"><span class="hidden-text">Actions</span></th>
        </tr>
      </thead>
      <tbody>
        ${versions.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row({ name, state, algorithm, metrics, createTime, reason }: ModelVersion) {
    const { title, tone } = STATES.find(each => each.value === state) ?? { title: NOTHING, tone: '' }
    const here = name === this.shown?.name
    const serve = state === State.RETIRED ? 'Serve again' : 'Serve'
    return html`<tr class=${here ? 'shown' : ''}>
      <td>
        <button class="quiet" aria-pressed=${here ? 'true' : 'false'} @click=${() => this.show(name)}>Version ${idOf(name)}</button>
      </td>
      <td><span class="chip ${tone}">${title}</span></td>
      <td>${titleOf(ALGORITHMS, algorithm)}</td>
      <td class="number">${metrics ? number(metrics.auc, { decimals: 3 }) : NOTHING}</td>
      <td class="text">${metrics ? accuracy(metrics) : NOTHING}</td>
      <td>${when(createTime, this.session.zone)}</td>
      <td class="text">${reason}</td>
      <td>
        ${
          this.session.author && state !== State.SERVING
            ? html`<button ?disabled=${this.busy} aria-label="${serve} version ${idOf(name)}" @click=${() => this.promote(name)}>${serve}</button>`
            : nothing
        }
      </td>
    </tr>`
  }

  private farewell(title: string) {
    return html`<dialog aria-labelledby="delete-title">
      <form method="dialog" @submit=${this.forget}>
        <h2 id="delete-title">Delete “${title}”?</h2>
        <p>Its versions and what it has predicted go with it. The events stay.</p>
        <div class="row ends">
          <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
          <button class="danger">Delete</button>
        </div>
      </form>
    </dialog>`
  }

  private show(name: string) {
    this.wanted = name
    return this.act(async () => {
      const { version } = await models.getModelVersion({ name })
      if (this.wanted === name) this.shown = version
    })
  }

  private promote = async (name: string) => {
    if (await this.act(() => models.promoteModelVersion({ name }))) await this.load(name)
  }

  private forget = async () => {
    const { model } = this
    if (model && (await this.act(() => models.deleteModel({ name: model.name }))))
      navigate('/insights/models')
  }

  /** Reads the model and its versions, and looks at one: the one asked for, else what serves, else the newest. */
  private async load(version = '') {
    const name = `${this.session.project}/models/${this.name}`
    const read = await this.read(
      async () => {
        const [{ model }, { versions }] = await Promise.all([
          models.getModel({ name }),
          models.listModelVersions({ parent: name }),
        ])
        return { model, versions }
      },
      found => {
        this.model = found.model
        this.versions = found.versions
      },
    )
    const looked = version || this.model?.servingVersion || this.versions[0]?.name
    if (read && looked) await this.show(looked)
  }
}
