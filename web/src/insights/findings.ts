import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import { navigate } from '../app/router'
import { type Connection, follow } from '../client/follow'
import type { Problem } from '../client/problem'
import { type Option, idOf, when } from '../common/words'
import {
  type Insight,
  type ListDetectorsResponse,
  ListInsightsRequest_Order as Order,
  type WatchInsightsResponse,
} from '../gen/tidemark/v1/insight_pb'
import { NOTHING, duration, number, percent } from '../model/format'
import { Page } from '../page/page'
import { insights } from './clients'
import './insight'
import { ALL, type Wanted, asked, merged, read, write } from './model/feed'
import { CAUSES, SEVERITIES, STATES, TYPES } from './model/words'

const PAGE = 50

/** What has been found, what matters most first; changes as something is found. Or one finding by itself. */
@customElement('tm-findings')
export class Findings extends Page {
  @state() private wanted: Wanted = ALL
  @state() private feed?: Insight[]
  @state() private more = ''
  @state() private detectors?: ListDetectorsResponse
  @state() private ended?: Problem

  private stream?: AbortController

  static override styles = [
    ...Page.styles,
    css`
      .filters {
        margin-bottom: var(--space-3);
      }
      .filters input {
        flex: 1 1 160px;
      }
      tm-insight {
        margin-bottom: var(--space-3);
      }
      summary {
        padding: var(--space-3);
        font-weight: 560;
        cursor: pointer;
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    this.stream?.abort()
  }

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.wanted = read(location.search)
    this.feed = undefined
    void this.load()
    this.open()
  }

  override render() {
    return html`
      <header class="row">
        <h1>${this.name ? html`<a href="/insights/findings">Findings</a> · ${this.feed?.[0]?.subject || 'one finding'}` : 'Findings'}</h1>
        ${this.name ? nothing : html`<p class="muted">${this.promise()}</p>`}
      </header>
      ${this.name ? nothing : this.filters()} ${this.trouble()}
      ${this.ended ? html`<p class="problem" role="alert">New findings do not come by themselves: ${this.ended.text}</p>` : nothing}
      ${this.list()}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
      ${this.name ? nothing : this.record()}
    `
  }

  private promise() {
    const { seriesCount = 0, falseDiscoveryRate = NaN } = this.detectors ?? {}
    const watched = this.detectors ? ` ${number(seriesCount)} series are watched.` : ''
    const share = Number.isFinite(falseDiscoveryRate)
      ? ` Of what is told in a day, at most ${percent(falseDiscoveryRate, 0)} is expected to be false.`
      : ''
    return `What has changed, how sure that is, why, and what to do.${watched}${share}`
  }

  private filters() {
    const { wanted } = this
    const choice = (label: string, all: string, key: keyof Wanted, options: Option<number>[]) =>
      html`<select
        aria-label=${label}
        @change=${(event: Event) => this.narrow({ [key]: Number((event.target as HTMLSelectElement).value) })}
      >
        <option value="0">${all}</option>
        ${options.map(({ value, title }) => html`<option value=${value} ?selected=${value === Number(wanted[key])}>${title}</option>`)}
      </select>`
    const least = SEVERITIES.map(({ value, title }) => ({ value, title: `${title} or worse` }))
    return html`<div class="row filters" role="search" aria-label="Which findings">
      ${choice('Type', 'any type', 'type', TYPES)} ${choice('Severity', 'any severity', 'least', least.slice(1))}
      ${choice('State', 'open or acknowledged', 'state', STATES)} ${choice('Cause', 'any cause', 'cause', CAUSES)}
      <input
        type="search"
        aria-label="Text"
        placeholder="Title or series"
        .value=${wanted.search}
        @change=${(event: Event) => this.narrow({ search: (event.target as HTMLInputElement).value.trim() })}
      />
    </div>`
  }

  private list() {
    const { feed } = this
    if (!feed?.length) {
      const narrowed = write(this.wanted)
      return html`<div class="panel">
        ${this.empty(
          feed !== undefined,
          narrowed ? 'Nothing like that was found' : 'Nothing was found yet',
          narrowed
            ? 'Show any type, severity and cause.'
            : 'Series are watched by themselves as events come; how far each has learnt is told under Baselines.',
        )}
      </div>`
    }
    const replace = (event: CustomEvent<Insight>) => {
      // One that no longer fits stays until the page is loaded again, lest it go from under the pointer.
      this.feed = this.feed?.map(each => (each.name === event.detail.name ? event.detail : each))
    }
    return repeat(
      feed,
      each => each.name,
      each =>
        html`<tm-insight
          .session=${this.session}
          .insight=${each}
          ?open=${this.name !== ''}
          @tm-changed=${replace}
        ></tm-insight>`,
    )
  }

  private record() {
    const { detectors = [] } = this.detectors ?? {}
    if (detectors.length === 0) return nothing
    return html`<details class="panel">
      <summary>How findings are made, and how often they were right</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Detector</th>
            <th scope="col">Last run</th>
            <th scope="col">Runs again within</th>
            <th scope="col" class="number">Findings in 30 days</th>
            <th scope="col" class="number">True</th>
            <th scope="col" class="number">False</th>
            <th scope="col" class="number">Share that is true (95%)</th>
          </tr>
        </thead>
        <tbody>
          ${detectors.map(
            each =>
              html`<tr>
                <td class="text">${each.detector}<br /><span class="muted small">${each.description}</span></td>
                <td>${when(each.runTime, this.session.zone)}</td>
                <td>${each.every ? duration(Number(each.every.seconds)) : NOTHING}</td>
                <td class="number">${number(each.insightCount)}</td>
                <td class="number">${number(each.trueCount)}</td>
                <td class="number">${number(each.falseCount)}</td>
                <td class="number">
                  ${Number.isFinite(each.precisionLower) ? `${percent(each.precisionLower, 0)} to ${percent(each.precisionUpper, 0)}` : 'no feedback yet'}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>`
  }

  private narrow(change: Partial<Wanted>) {
    this.wanted = { ...this.wanted, ...change }
    navigate(`/insights/findings${write(this.wanted)}`, { replace: true })
    this.feed = undefined
    void this.load()
  }

  private async load(pageToken = '') {
    const { project: parent } = this.session
    const { name, wanted } = this
    await this.read(
      async () => {
        if (name) {
          const { insight } = await insights.getInsight({ name: `${parent}/insights/${name}` })
          return { found: insight ? [insight] : [], next: '', detectors: undefined }
        }
        const [page, detectors] = await Promise.all([
          insights.listInsights({
            parent,
            ...asked(wanted),
            order: Order.PRIORITY,
            pageSize: PAGE,
            pageToken,
          }),
          this.detectors ?? insights.listDetectors({ parent }),
        ])
        return { found: page.insights, next: page.nextPageToken, detectors }
      },
      ({ found, next, detectors }) => {
        this.feed = pageToken ? [...(this.feed ?? []), ...found] : found
        this.more = next
        this.detectors = detectors ?? this.detectors
      },
    )
  }

  /** Follows what is made and changed; after an interruption the list is read again. */
  private open() {
    this.stream?.abort()
    this.stream = new AbortController()
    const { project: parent } = this.session
    let before: Connection = 'live'
    void follow<WatchInsightsResponse>({
      open: (cursor, signal) => insights.watchInsights({ parent, cursor }, { signal }),
      take: ({ insights: changed }) => this.take(changed),
      say: (connection, why) => {
        if (connection === 'live' && before !== 'live') void this.load()
        before = connection
        this.ended = connection === 'ended' ? why : undefined
        this.dispatchEvent(
          new CustomEvent('tm-connection', { detail: connection, bubbles: true, composed: true }),
        )
      },
      signal: this.stream.signal,
    })
  }

  private take(changed: Insight[]) {
    if (!this.feed) return
    if (!this.name) this.feed = merged(this.feed, changed, this.wanted)
    else this.feed = this.feed.map(each => changed.find(({ name }) => idOf(name) === this.name) ?? each)
  }
}
