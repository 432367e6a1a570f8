import { timestampMs } from '@bufbuild/protobuf/wkt'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { givenUp, problem } from '../client/problem'
import { queries } from '../client/transport'
import type { ExplainQueryResponse, Scan } from '../gen/tidemark/v1/query_pb'
import type { Query, TimeRange } from '../gen/tidemark/v1/question_pb'
import { duration, instant, number } from '../model/format'

/** How a question is answered: what is read and why, the statements, and what that takes. */
@customElement('tm-plan')
export class Plan extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) query!: Query
  @state() private plan?: ExplainQueryResponse
  @state() private failure = ''
  @state() private busy = false

  private asking?: AbortController

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        gap: var(--space-3);
        padding: var(--space-3) var(--space-4);
      }
      ol {
        display: grid;
        gap: var(--space-3);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        gap: 4px;
        min-width: 0;
      }
      pre {
        overflow: auto;
        max-height: 320px;
        margin: 0;
        padding: var(--space-3);
        border-radius: var(--radius-small);
        background: var(--sunken);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    this.asking?.abort()
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('query')) void this.ask(false)
  }

  override render() {
    if (this.failure) return html`<p class="problem" role="alert">${this.failure}</p>`
    if (!this.plan) return html`<p class="muted" role="status">Asking the planner…</p>`
    const { scans, metadata, rowsRead } = this.plan
    const elapsed = metadata?.elapsed && Number(metadata.elapsed.seconds) + metadata.elapsed.nanos / 1e9
    return html`
      <div class="row">
        <span class="grow">
          ${scans.length} ${scans.length === 1 ? 'scan' : 'scans'}
          ${elapsed !== undefined ? html`· <strong>${duration(elapsed)}</strong> for ${number(rowsRead)} rows read` : nothing}
        </span>
        <button ?disabled=${this.busy} @click=${() => this.ask(true)}>
          ${this.busy ? 'Measuring…' : 'Measure it'}
        </button>
      </div>
      <ol>
        ${scans.map(scan => this.scan(scan))}
      </ol>
    `
  }

  private scan({ source, reason, spans, rowsExpected, statement }: Scan) {
    const about = spans.map(span => between(span, this.session.zone)).join(', ')
    return html`<li>
      <div class="row">
        <code class="chip">${source}</code>
        <span class="grow">${reason}</span>
        <span class="muted number">${rowsExpected ? `about ${number(rowsExpected)} rows` : nothing}</span>
      </div>
      ${about ? html`<p class="muted small">${about}</p>` : nothing}
      ${statement ? html`<pre tabindex="0" aria-label="Statement">${statement}</pre>` : nothing}
    </li>`
  }

  private async ask(analyze: boolean) {
    this.asking?.abort()
    const { signal } = (this.asking = new AbortController())
    this.busy = true
    try {
      const request = { project: this.session.project, query: this.query, analyze }
      this.plan = await queries.explainQuery(request, { signal })
      this.failure = ''
    } catch (error) {
      if (givenUp(error)) return
      this.failure = problem(error).text
    }
    this.busy = false
  }
}

/** A span of time, from and to. */
function between({ start, end }: TimeRange, zone: string): string {
  return [start, end].map(at => (at ? instant(timestampMs(at), zone) : '…')).join(' to ')
}
