import { create } from '@bufbuild/protobuf'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import '../explorer/complete'
import '../explorer/query-editor'
import { names } from '../explorer/suggest'
import {
  Direction,
  type Indicator,
  IndicatorSchema,
  Indicator_Kind as Kind,
} from '../gen/tidemark/v1/insight_pb'
import { type Query, Source } from '../gen/tidemark/v1/question_pb'
import { NOTHING, number } from '../model/format'
import { titles } from '../model/measures'
import { first } from '../model/question'
import { Page } from '../page/page'
import { insights } from './clients'
import { INDICATORS, INTERVALS, idOf, titleOf } from './model/words'

/** Series that matter to a business, with what is good, what is too much, and what they are worth. */
@customElement('tm-indicators')
export class Indicators extends Page {
  @state() private indicators?: Indicator[]
  @state() private kind: Kind = Kind.RETENTION
  @state() private subject = ''
  @state() private series: Query = first()
  @state() private leaving?: Indicator
  @query('#create') private creating!: HTMLDialogElement
  @query('#delete') private deleting!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    css`
      dialog form {
        width: min(460px, 80vw);
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
        gap: var(--space-3);
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
        <h1>Indicators</h1>
        <span class="grow"></span>
        ${
          this.session.author
            ? html`<button class="primary" @click=${() => this.creating.showModal()}>${icon('add')} New indicator</button>`
            : nothing
        }
        <p class="muted">
          The series that matter to you. A change of one is told with its direction, its threshold and what it is worth.
        </p>
      </header>
      ${this.trouble()} ${this.sheet('Indicators', this.body())} ${this.session.author ? this.dialogs() : nothing}
    `
  }

  private body() {
    const { indicators } = this
    if (!indicators?.length)
      return this.empty(
        indicators !== undefined,
        'No indicators yet',
        this.session.author
          ? 'Make one for what your business lives by.'
          : 'Somebody who may write can make one.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Indicator</th>
          <th scope="col">Of</th>
          <th scope="col">Every</th>
          <th scope="col">Good</th>
          <th scope="col" class="number">Threshold</th>
          <th scope="col" class="number">One more is worth</th>
          ${this.session.author ? html`<th scope="col"><span class="hidden-text">Actions</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${indicators.map(
          each =>
            html`<tr>
              <td class="text">${each.displayName || idOf(each.name)}</td>
              <td class="text">${about(each)}</td>
              <td>${titleOf(INTERVALS, each.interval) || 'hour'}</td>
              <td>${each.goodDirection === Direction.DOWN ? 'down' : each.goodDirection === Direction.UP ? 'up' : NOTHING}</td>
              <td class="number">${each.threshold === undefined ? NOTHING : number(each.threshold)}</td>
              <td class="number">${each.valuePerUnit ? `${number(each.valuePerUnit)} ${each.valueUnit}` : NOTHING}</td>
              ${
                this.session.author
                  ? html`<td class="number">
                      <button class="quiet danger" aria-label="Delete ${each.displayName || idOf(each.name)}" @click=${() => this.ask(each)}>
                        Delete…
                      </button>
                    </td>`
                  : nothing
              }
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private dialogs() {
    const { kind } = this
    const asks = INDICATORS.find(each => each.value === kind)?.asks
    const source = kind === Kind.RESPONSE_TIME ? Source.METRICS : Source.EVENTS
    return html`
      <dialog id="create" aria-labelledby="create-title">
        <form method="dialog" @submit=${this.make}>
          <h2 id="create-title">New indicator</h2>
          <label class="field">Name <input name="title" required maxlength="100" autocomplete="off" /></label>
          <label class="field"
            >Kind
            <select @change=${(event: Event) => (this.kind = Number((event.target as HTMLSelectElement).value))}>
              ${INDICATORS.map(each => html`<option value=${each.value} ?selected=${each.value === kind}>${each.title}</option>`)}
            </select>
          </label>
          ${
            kind === Kind.NAMED
              ? html`<tm-query-editor
                    .session=${this.session}
                    .query=${this.series}
                    .kinds=${['series']}
                    .comparable=${false}
                    @change=${(event: CustomEvent<Query>) => (this.series = event.detail)}
                  ></tm-query-editor>
                  <label class="field"
                    >Good is
                    <select name="good">
                      <option value=${Direction.UP}>up</option>
                      <option value=${Direction.DOWN}>down</option>
                    </select>
                  </label>`
              : html`<div>
                  <tm-complete
                    .label=${asks ?? ''}
                    placeholder=${source === Source.METRICS ? 'choose a metric' : `${asks}: any event`}
                    .value=${this.subject}
                    .suggest=${names(this.session.project, source)}
                    @change=${(event: CustomEvent<string>) => (this.subject = event.detail.trim())}
                  ></tm-complete>
                </div>`
          }
          <div class="pair">
            <label class="field">Bad beyond <input name="threshold" type="number" step="any" placeholder="no threshold" /></label>
            <label class="field"
              >Every
              <select name="interval">
                ${INTERVALS.map(each => html`<option value=${each.value}>${each.title}</option>`)}
              </select>
            </label>
            <label class="field">One more is worth <input name="worth" type="number" step="any" placeholder="not known" /></label>
            <label class="field">In <input name="unit" placeholder="EUR" maxlength="20" /></label>
          </div>
          ${this.trouble()}
          <div class="row ends">
            <button type="button" @click=${() => this.creating.close()}>Cancel</button>
            <button class="primary" ?disabled=${this.busy}>Create</button>
          </div>
        </form>
      </dialog>
      <dialog id="delete" aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.forget}>
          <h2 id="delete-title">Delete “${this.leaving?.displayName}”?</h2>
          <p>It is watched no more. What was found about it stays.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.deleting.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private ask(indicator: Indicator) {
    this.leaving = indicator
    this.deleting.showModal()
  }

  private make = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const fields = new FormData(form)
    const text = (name: string) => ((fields.get(name) as string | null) ?? '').trim()
    const { kind } = this
    const named = kind === Kind.NAMED
    const indicator = create(IndicatorSchema, {
      displayName: text('title'),
      kind,
      series: named && this.series.question.case === 'series' ? this.series.question.value : undefined,
      subject: named ? '' : this.subject,
      goodDirection: Number(text('good')) || Direction.UNSPECIFIED,
      threshold: text('threshold') ? Number(text('threshold')) : undefined,
      valuePerUnit: Number(text('worth')),
      valueUnit: text('unit'),
      interval: Number(text('interval')),
    })
    const { project: parent } = this.session
    const made = await this.act(() =>
      insights.createIndicator({ parent, indicator, requestId: crypto.randomUUID() }),
    )
    if (!made) return
    form.reset()
    this.subject = ''
    this.creating.close()
    await this.load()
  }

  private forget = async () => {
    const { leaving } = this
    if (leaving && (await this.act(() => insights.deleteIndicator({ name: leaving.name })))) await this.load()
  }

  private async load() {
    const { project: parent } = this.session
    await this.read(
      () => insights.listIndicators({ parent }),
      ({ indicators }) => (this.indicators = indicators),
    )
  }
}

/** What an indicator is of, in words. */
function about({ kind, subject, series }: Indicator): string {
  const title = titleOf(INDICATORS, kind).toLowerCase()
  if (kind !== Kind.NAMED) return `${title} of ${subject || 'all events'}`
  const query = { ...first(), question: { case: 'series' as const, value: series! } }
  return titles(query)
    .map(each => each.title)
    .join(', ')
}
