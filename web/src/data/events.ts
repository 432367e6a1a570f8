import type { Duration } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import '../dashboard/time-range'
import type { EventQuality, GetEventQualityResponse, PropertyQuality } from '../gen/tidemark/v1/pipeline_pb'
import type { TimeRange } from '../gen/tidemark/v1/question_pb'
import { Enforcement } from '../gen/tidemark/v1/schema_pb'
import { NOTHING, change, number, percent, roughly, signed } from '../model/format'
import { last } from '../model/range'
import { pipeline } from './clients'
import { Page } from '../page/page'

const WEEK = 604_800
const PAGE = 100
const WEAK_SHARE = 0.01
const DRIFTED = 0.05

export const ENFORCEMENTS: Record<Enforcement, string> = {
  [Enforcement.UNSPECIFIED]: '',
  [Enforcement.WARN]: 'warns',
  [Enforcement.DEAD_LETTER]: 'sets aside',
  [Enforcement.REJECT]: 'refuses',
}

/** The catalogue: what events there are, how many, how fresh, how good; and the properties of one of them. */
@customElement('tm-data-events')
export class EventsPage extends Page {
  @state() private range: TimeRange = last(WEEK)
  @state() private wanted = ''
  @state() private events?: EventQuality[]
  @state() private more = ''
  @state() private one?: GetEventQualityResponse

  static override styles = [
    ...Page.styles,
    css`
      input {
        width: min(240px, 100%);
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-5);
        margin: 0;
        padding: var(--space-4);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dd {
        margin: 0;
        font-weight: 600;
        font-variant-numeric: tabular-nums;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (['session', 'name', 'range', 'wanted'].some(each => changed.has(each))) {
      if (changed.has('name')) this.one = undefined
      void this.load()
    }
  }

  override render() {
    return html`
      <header class="row">
        <h1>${this.name ? html`<a href="/data/events">Events</a> · ${this.name}` : 'Events'}</h1>
        <span class="grow"></span>
        ${
          this.name
            ? nothing
            : html`<input
                type="search"
                aria-label="Find an event"
                placeholder="Find…"
                .value=${this.wanted}
                @change=${(event: Event) => (this.wanted = (event.target as HTMLInputElement).value.trim())}
              />`
        }
        <tm-time-range
          .range=${this.range}
          .zone=${this.session.zone}
          @change=${(event: CustomEvent<TimeRange>) => (this.range = event.detail)}
        ></tm-time-range>
      </header>
      ${this.trouble()} ${this.name ? this.single() : this.sheet('Events', this.all())}
      ${this.more && !this.name ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
    `
  }

  private all() {
    const { events } = this
    if (!events?.length)
      return this.empty(
        events !== undefined,
        this.wanted ? `No event holds “${this.wanted}”` : 'No events in this time',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col" class="number">Count</th>
          <th scope="col" class="number">Change</th>
          <th scope="col">Last</th>
          <th scope="col">Schema</th>
          <th scope="col" class="number">Violations</th>
          <th scope="col" class="number">Rules failed</th>
          <th scope="col" class="number">Dead letters</th>
        </tr>
      </thead>
      <tbody>
        ${events.map(
          each =>
            html`<tr>
              <td class="text"><a href="/data/events/${encodeURIComponent(each.eventName)}">${each.eventName}</a></td>
              <td class="number">${number(each.count)}</td>
              <td class="number">${changed(each)}</td>
              <td>${each.lastOccurredAt ? `${roughly(seconds(each.freshness))} ago` : NOTHING}</td>
              <td>${schema(each, this.session.author)}</td>
              <td class="number">${violations(each)}</td>
              <td class="number">${number(each.ruleFailureCount)}</td>
              <td class="number">${each.deadLetteredCount ? html`<a href="/data/letters">${number(each.deadLetteredCount)}</a>` : '0'}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private single() {
    const { one } = this
    const event = one?.event
    if (!one || !event) return html`<div class="panel">${this.empty(false, '')}</div>`
    return html`
      <div class="panel">
        <dl>
          ${[
            ['Events', number(event.count)],
            ['Before', number(event.previousCount)],
            ['Last', event.lastOccurredAt ? `${roughly(seconds(event.freshness))} ago` : NOTHING],
            ['Schema', schema(event, this.session.author)],
            ['Checked', number(event.checkedCount)],
            ['Violations', violations(event)],
            ['Rules failed', number(event.ruleFailureCount)],
            [
              'Dead letters',
              event.deadLetteredCount
                ? html`<a href="/data/letters">${number(event.deadLetteredCount)}</a>`
                : '0',
            ],
            ['Rejected', number(event.rejectedCount)],
          ].map(([title, figure]) => html`<div><dt>${title}</dt><dd>${figure}</dd></div>`)}
        </dl>
      </div>
      ${this.sheet('Properties', this.properties(one))}
      <p class="muted small">
        Seen in ${number(one.sampleCount)} of the newest events, compared with ${number(one.previousSampleCount)} of the time before.
      </p>
    `
  }

  private properties({ properties }: GetEventQualityResponse) {
    if (properties.length === 0) return this.empty(true, 'The events have no properties')
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Property</th>
          <th scope="col">Types</th>
          <th scope="col" class="number">Missing</th>
          <th scope="col" class="number">Before</th>
          <th scope="col" class="number">Type drift</th>
          <th scope="col" class="number">Different</th>
          <th scope="col">Most frequent</th>
        </tr>
      </thead>
      <tbody>
        ${properties.map(
          each =>
            html`<tr>
              <td class="text"><code>${each.path}</code> ${each.planned ? html`<span class="chip good">planned</span>` : nothing}</td>
              <td>${types(each)}</td>
              <td class="number">${percent(each.nullShare)}</td>
              <td class="number">${percent(each.previousNullShare)}</td>
              <td class="number ${each.typeDrift > DRIFTED ? 'bad-text' : ''}">${percent(each.typeDrift)}</td>
              <td class="number">${number(each.distinctCount)}</td>
              <td class="text muted">${each.examples.join(', ')}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
  }

  private async load(pageToken = '') {
    const { project } = this.session
    const { range: timeRange, wanted: search, name } = this
    if (name) {
      await this.read(
        () => pipeline.getEventQuality({ project, eventName: name, timeRange }),
        found => (this.one = found),
      )
      return
    }
    await this.read(
      () => pipeline.listEventQuality({ project, timeRange, search, pageSize: PAGE, pageToken }),
      page => {
        this.events = pageToken ? [...(this.events ?? []), ...page.events] : page.events
        this.more = page.nextPageToken
      },
    )
  }
}

function changed({ count, previousCount }: EventQuality): string {
  const share = change(Number(count), Number(previousCount))
  return share === undefined ? NOTHING : signed(share)
}

function schema(event: EventQuality, author: boolean) {
  if (!event.schema && !author) return NOTHING
  if (!event.schema)
    return html`<a href="/data/schemas/-?event=${encodeURIComponent(event.eventName)}">make one</a>`
  const id = event.schema.split('/').at(-1)!
  return html`<a href="/data/schemas/${id}">version ${event.schemaVersion}</a>
    <span class="muted small">${ENFORCEMENTS[event.enforcement]}</span>`
}

function violations({ checkedCount, violationCount, violationShare }: EventQuality) {
  if (checkedCount === 0n) return NOTHING
  return html`<span class=${violationShare > WEAK_SHARE ? 'bad-text' : ''} title="of ${number(checkedCount)} checked"
    >${number(violationCount)} (${percent(violationShare)})</span
  >`
}

function types({ types: shares }: PropertyQuality): string {
  const sorted = Object.entries(shares).sort(([, a], [, b]) => b - a)
  return sorted.map(([type, share]) => (sorted.length > 1 ? `${type} ${percent(share, 0)}` : type)).join(', ')
}

function seconds(length: Duration | undefined): number {
  return length ? Number(length.seconds) + length.nanos / 1e9 : 0
}
