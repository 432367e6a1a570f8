import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { GetPredictiveInsightsResponse, Prediction } from '../gen/tidemark/v1/model_pb'
import { number, percent } from '../model/format'
import { Page } from '../page/page'
import { models } from './clients'
import { spread } from './model/words'

const PAGE = 20

/** What the serving version predicts now, the greatest scores first, with what speaks for and against it. */
@customElement('tm-predictions')
export class Predictions extends Page {
  /** The version that serves; with another one it is predicted anew. */
  @property({ attribute: false }) version = ''
  @state() private predictions?: Prediction[]
  @state() private answer?: GetPredictiveInsightsResponse
  @state() private person = ''

  static override styles = [
    ...Page.styles,
    css`
      section {
        padding: var(--space-4);
      }
      .row {
        margin-bottom: var(--space-3);
      }
      .panel .panel {
        box-shadow: none;
      }
      ul {
        margin: 0;
        padding-left: 16px;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('name') && !changed.has('version') && !changed.has('person')) return
    this.predictions = undefined
    void this.load()
  }

  override render() {
    const { answer } = this
    return html`<section class="panel" aria-labelledby="title">
      <div class="row">
        <h2 id="title">What it predicts now</h2>
        ${answer ? html`<span class="muted small">about ${number(answer.totalCount)} people</span>` : nothing}
        <span class="grow"></span>
        <input
          type="search"
          aria-label="Only this person"
          placeholder="User id, exactly"
          .value=${this.person}
          @change=${(event: Event) => (this.person = (event.target as HTMLInputElement).value.trim())}
        />
      </div>
      ${this.trouble()} ${answer?.notes.map(note => html`<p class="notice">${note}</p>`)}
      ${this.sheet('Predictions', this.body())}
      ${answer?.nextPageToken ? html`<button ?disabled=${this.busy} @click=${() => this.load(answer.nextPageToken)}>Show more</button>` : nothing}
    </section>`
  }

  private body() {
    const { predictions } = this
    if (!predictions?.length)
      return this.empty(
        predictions !== undefined,
        this.person ? 'The model is not about this person' : 'The model is about nobody now',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Person</th>
          <th scope="col" class="number">Probability (90%)</th>
          <th scope="col">Said</th>
          <th scope="col">What speaks for and against it</th>
        </tr>
      </thead>
      <tbody>
        ${predictions.map(
          ({ userId, score, lower, upper, abstained, outcome, reasons }) =>
            html`<tr>
              <td class="text">${userId}</td>
              <td class="number">${spread(score, lower, upper)}</td>
              <td>
                <span class="chip ${abstained ? 'warn' : ''}">${abstained ? 'too close to say' : outcome ? 'it comes' : 'it does not'}</span>
              </td>
              <td class="text">
                <ul>
                  ${reasons.map(({ text, contribution }) => html`<li>${text} <span class="muted small">${contribution < 0 ? '−' : '+'}${percent(Math.abs(contribution), 1)}</span></li>`)}
                </ul>
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private async load(pageToken = '') {
    const { name, person } = this
    await this.read(
      () =>
        models.getPredictiveInsights({ name, userIds: person ? [person] : [], pageSize: PAGE, pageToken }),
      found => {
        this.answer = found
        this.predictions = pageToken ? [...(this.predictions ?? []), ...found.predictions] : found.predictions
      },
    )
  }
}
