import type { Duration } from '@bufbuild/protobuf/wkt'
import { LitElement, type PropertyValues, css, html, nothing, svg } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { givenUp, problem } from '../client/problem'
import { queries } from '../client/transport'
import type {
  GetLedgerResponse,
  GetPlatformAnalyticsResponse,
  LedgerEntry,
} from '../gen/tidemark/v1/query_pb'
import { NOTHING, bytes, duration, number, percent } from '../model/format'
import { type Finding, judge } from '../model/health'

const EVERY = 5_000

const FATES: { title: string; of: (total: LedgerEntry) => bigint; colour: string }[] = [
  { title: 'stored', of: total => total.stored, colour: 'stored' },
  { title: 'duplicate', of: total => total.duplicate, colour: 'duplicate' },
  { title: 'rejected', of: total => total.rejected, colour: 'rejected' },
  { title: 'dead-lettered', of: total => total.deadLettered, colour: 'dead' },
  { title: 'in flight', of: total => total.inFlight, colour: 'flight' },
]

/** Data health: watermark, completeness, the balance of the ledger, dead letters and the lag of the partitions. Asks again every
 * five seconds while somebody can see it. */
@customElement('tm-health')
export class Health extends LitElement {
  @property({ attribute: false }) session!: Session
  /** Estimated share of the events asked about that is in the answers, as the tiles beside say; NaN when it is not known. */
  @property({ type: Number }) completeness = NaN
  @state() private ledger?: GetLedgerResponse
  @state() private platform?: GetPlatformAnalyticsResponse
  @state() private failure = ''

  private asking?: AbortController
  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    shared,
    css`
      :host {
        container-type: inline-size;
      }
      summary {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px var(--space-5);
        padding: 9px var(--space-4);
        border-radius: var(--radius);
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary > span {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        white-space: nowrap;
      }
      summary svg {
        color: var(--muted);
      }
      details[open] summary svg {
        transform: rotate(180deg);
      }
      strong {
        font-weight: 600;
        font-variant-numeric: tabular-nums;
      }
      .findings {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(160px, 1fr));
        gap: var(--space-3) var(--space-5);
        padding: var(--space-3) var(--space-4);
        border-top: 1px solid var(--line);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      @container (max-width: 720px) {
        summary {
          gap: 4px var(--space-3);
        }
      }
      .account {
        display: grid;
        grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
        gap: var(--space-3) var(--space-5);
        padding: var(--space-3) var(--space-4) var(--space-4);
        border-top: 1px solid var(--line);
      }
      @container (max-width: 720px) {
        .account {
          grid-template-columns: minmax(0, 1fr);
        }
      }
      svg.bar {
        display: block;
        width: 100%;
        height: 10px;
        margin: 6px 0;
        border-radius: 3px;
        background: var(--sunken);
      }
      .stored {
        fill: var(--c1);
        background: var(--c1);
      }
      .duplicate {
        fill: var(--c7);
        background: var(--c7);
      }
      .rejected {
        fill: var(--c2);
        background: var(--c2);
      }
      .dead {
        fill: var(--bad);
        background: var(--bad);
      }
      .flight {
        fill: var(--c-other);
        background: var(--c-other);
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 2px var(--space-4);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        font-variant-numeric: tabular-nums;
      }
      .key {
        width: 9px;
        height: 9px;
        border-radius: 2px;
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    document.addEventListener('visibilitychange', this.ask)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    document.removeEventListener('visibilitychange', this.ask)
    clearTimeout(this.timer)
    this.asking?.abort()
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('session')) void this.ask()
  }

  override render() {
    const { ledger, platform } = this
    if (!ledger || !platform)
      return html`<section class="panel" aria-label="Data health">
        <div class="state" role="status">${this.failure || 'Asking the ledger…'}</div>
      </section>`
    const health = judge(ledger, platform, Date.now())
    const findings: [title: string, finding: Finding][] = [
      ['Watermark', health.watermark],
      ['Completeness', this.complete()],
      ['Ledger', health.ledger],
      ['Dead letters', health.deadLetters],
      ['Backlog', health.lag],
      ['To commit', latency(platform)],
    ]
    return html`<section class="panel" aria-label="Data health">
      <details>
        <summary>
          <span class="chip ${health.overall.tone}" title=${health.overall.words}>${health.overall.figure}</span>
          ${findings.map(
            ([title, { tone, figure, words }]) =>
              html`<span title=${words}>
                <span class="dot ${tone}"></span><span class="muted small">${title}</span> <strong>${figure}</strong>
              </span>`,
          )}
          <span class="grow"></span>
          ${this.failure ? html`<span class="chip warn">${this.failure}</span>` : nothing}
          <span class="muted small">Details ${icon('down')}</span>
        </summary>
        <dl class="findings">
          ${findings.map(([title, { words }]) => html`<div><dt>${title}</dt><dd>${words}</dd></div>`)}
        </dl>
        ${ledger.total ? this.account(ledger.total, platform) : nothing}
      </details>
    </section>`
  }

  private complete(): Finding {
    const { completeness } = this
    if (Number.isNaN(completeness)) return { tone: '', figure: '—', words: 'Not known at the moment.' }
    const figure = percent(completeness)
    const words = 'Estimated share of the events asked about that the figures hold.'
    return { tone: completeness >= 0.999 ? 'good' : completeness >= 0.95 ? 'warn' : 'bad', figure, words }
  }

  /** Where everything received went, and what waits in each partition. */
  private account(total: LedgerEntry, { processing, system }: GetPlatformAnalyticsResponse) {
    const received = Number(total.received) || 1
    let left = 0
    const bars = FATES.map(({ of, colour }) => {
      const width = (Number(of(total)) / received) * 100
      left += width
      return { colour, width, x: left - width }
    })
    const partitions = processing?.partitions ?? []
    const writers = new Set(partitions.map(each => each.writer).filter(Boolean)).size
    return html`<div class="account">
      <div>
        <h2 class="small muted">Received in 24 hours: ${number(total.received)}</h2>
        <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
          ${bars.map(({ colour, width, x }) => (width > 0 ? rectangle(colour, x, width) : nothing))}
        </svg>
        <ul>
          ${FATES.map(
            ({ title, of, colour }) =>
              html`<li><span class="key ${colour}"></span>${title} <strong>${number(of(total))}</strong></li>`,
          )}
        </ul>
      </div>
      <div>
        <h2 class="small muted">Pipeline</h2>
        <ul>
          <li>${number(processing?.storedPerSecond ?? 0, { compact: true })} stored/s in the last minute</li>
          <li>${partitions.length} partitions, ${writers} ${writers === 1 ? 'writer' : 'writers'}</li>
          <li>${bytes(Number(system?.databaseBytes ?? 0n))} of data</li>
          <li>${bytes(Number(system?.logBytes ?? 0n))} in the log</li>
          <li class="muted">Tidemark ${system?.version}</li>
        </ul>
      </div>
    </div>`
  }

  private ask = async () => {
    clearTimeout(this.timer)
    if (!this.isConnected || document.hidden) return
    this.asking?.abort()
    const { signal } = (this.asking = new AbortController())
    const { project } = this.session
    try {
      const [ledger, platform] = await Promise.all([
        queries.getLedger({ project, pageSize: 1 }, { signal }),
        queries.getPlatformAnalytics({ project }, { signal }),
      ])
      this.ledger = ledger
      this.platform = platform
      this.failure = ''
    } catch (error) {
      if (givenUp(error)) return
      this.failure = problem(error).text
    }
    if (!signal.aborted) this.timer = setTimeout(this.ask, EVERY)
  }
}

function rectangle(colour: string, x: number, width: number) {
  return svg`<rect class=${colour} x=${x} y="0" width=${width} height="10" />`
}

function latency({ processing }: GetPlatformAnalyticsResponse): Finding {
  const words = `99 of 100 batches within ${seconds(processing?.commitLatencyP99)}.`
  return { tone: '', figure: seconds(processing?.commitLatencyP50), words }
}

function seconds(length: Duration | undefined): string {
  return length ? duration(Number(length.seconds) + length.nanos / 1e9) : NOTHING
}
