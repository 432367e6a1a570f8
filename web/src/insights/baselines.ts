import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing, svg } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import type { Baseline, EventFigures } from '../gen/tidemark/v1/insight_pb'
import { QuerySchema } from '../gen/tidemark/v1/question_pb'
import { NOTHING, bucket, number } from '../model/format'
import { last } from '../model/range'
import * as address from '../model/share'
import { Page } from '../page/page'
import { insights } from './clients'
import { place } from './model/gauge'
import { chance } from './model/words'

const MINUTE = 60_000
const LEARNT = 30
/** So much time a series is opened with in the explorer, in seconds. */
const SPAN = 86_400

/** What is watched: the last value of each series beside what was to be expected, the least expected first. */
@customElement('tm-baselines')
export class Baselines extends Page {
  @state() private baselines?: Baseline[]

  static override styles = [
    ...Page.styles,
    css`
      svg.gauge {
        display: block;
        width: 140px;
        height: 16px;
      }
      .rail {
        fill: var(--sunken);
      }
      .between {
        fill: var(--c1);
        opacity: 0.35;
      }
      .value {
        fill: var(--text);
      }
      .value.out {
        fill: var(--bad);
      }
      caption p {
        font-weight: 400;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    const figures = (this.baselines ?? []).flatMap(each => (each.figures ? [each.figures] : []))
    return html`
      <header class="row">
        <h1>Baselines</h1>
        <span class="grow"></span>
        <button ?disabled=${this.busy} @click=${() => this.load()}>Refresh</button>
        <p class="muted">
          Every series that is watched, with its last finished bucket beside what was to be expected of it. The least expected come first.
        </p>
      </header>
      ${this.trouble()} ${this.sheet('Series watched', this.body())}
      ${figures.length ? this.sheet('Types of events', this.types(figures)) : nothing}
    `
  }

  private body() {
    const { baselines } = this
    if (!baselines?.length)
      return this.empty(
        baselines !== undefined,
        'No series is watched yet',
        'Send events: the most frequent are watched by themselves.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Series</th>
          <th scope="col">Bucket</th>
          <th scope="col" class="number">Value</th>
          <th scope="col" class="number">Expected</th>
          <th scope="col" class="number">Between</th>
          <th scope="col"><span class="hidden-text">As a picture</span></th>
          <th scope="col" class="number" title="The chance of a value as far off">p-value</th>
          <th scope="col" class="number">Learnt from</th>
        </tr>
      </thead>
      <tbody>
        ${baselines.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(each: Baseline) {
    const { subject, query, bucketStart, value, expected, lower, upper, pValue, bucketCount } = each
    const learnt = bucketCount >= LEARNT
    const path =
      query &&
      `/explore${address.write({ query: create(QuerySchema, { ...query, timeRange: last(SPAN) }), display: 0 })}`
    return html`<tr>
      <td class="text">${path ? html`<a href=${path}>${subject}</a>` : subject}</td>
      <td>${bucketStart ? bucket(timestampMs(bucketStart), MINUTE, this.session.zone) : NOTHING}</td>
      <td class="number">${number(value)}</td>
      <td class="number">${learnt ? number(expected) : NOTHING}</td>
      <td class="number">${learnt ? `${number(lower)} to ${number(upper)}` : NOTHING}</td>
      <td>${learnt ? gauge(each) : nothing}</td>
      <td class="number">${learnt ? chance(pValue) : NOTHING}</td>
      <td class="number">
        ${number(bucketCount)}
        ${learnt ? nothing : html`<span class="chip" title="An expectation needs ${LEARNT} buckets">still learning</span>`}
      </td>
    </tr>`
  }

  private types(figures: EventFigures[]) {
    return html`<table>
      <caption>
        Types of events
        <p class="muted small">In the last finished minute, and in the hour before its end; sums and extremes are of the property <code>value</code>.</p>
      </caption>
      <thead>
        <tr>
          <th scope="col">Type</th>
          ${['In the minute', 'In the hour', 'People', 'Sum', 'Least', 'Greatest'].map(title => html`<th scope="col" class="number">${title}</th>`)}
          <th scope="col">Most frequent properties</th>
        </tr>
      </thead>
      <tbody>
        ${figures.map(
          each =>
            html`<tr>
              <td>${each.type}</td>
              ${[each.count, each.hourCount, each.hourPeople, each.hourSum, each.hourMin, each.hourMax].map(value => html`<td class="number">${number(value)}</td>`)}
              <td class="text small">
                ${Object.entries(each.propertyCounts)
                  .sort(([, a], [, b]) => Number(b - a))
                  .map(([property, count]) => html`<span class="chip">${property} ${number(count)}</span> `)}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private async load() {
    const { project: parent } = this.session
    await this.read(
      () => insights.listBaselines({ parent }),
      ({ baselines }) => (this.baselines = baselines),
    )
  }
}

/** Where a value lies in and beside what was to be expected; the table says the same in numbers. */
function gauge(baseline: Baseline) {
  const found = place(baseline)
  if (!found) return nothing
  const { from, to, at, out } = found
  return svg`<svg class="gauge" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
    <rect class="rail" x="0" y="4" width="100" height="4"></rect>
    <rect class="between" x=${from} y="2" width=${Math.max(0.5, to - from)} height="8"></rect>
    <rect class="value ${out ? 'out' : ''}" x=${Math.min(98.5, Math.max(0, at - 0.75))} y="0" width="1.5" height="12"></rect>
  </svg>`
}
