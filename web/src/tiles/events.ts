import { timestampMs } from '@bufbuild/protobuf/wkt'
import { css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import { shared } from '../app/theme/styles'
import { EventType } from '../gen/tidemark/v1/event_pb'
import type { StoredEvent } from '../gen/tidemark/v1/question_pb'
import { idOf, json, summary } from '../model/event'
import { instant } from '../model/format'
import { DrawingElement } from './drawing'

/** Events, newest first; each opens to all that is known of it. */
@customElement('tm-events')
export class Events extends DrawingElement {
  @state() private opened: ReadonlySet<string> = new Set()

  static override styles = [
    shared,
    css`
      :host {
        min-height: 0;
        overflow: auto;
        container-type: inline-size;
      }
      details + details {
        border-top: 1px solid var(--line);
      }
      summary {
        display: grid;
        grid-template-columns: 164px minmax(80px, 160px) minmax(60px, 150px) minmax(0, 1fr);
        gap: 10px;
        padding: 4px 6px;
        font-size: var(--text-small);
        cursor: pointer;
        list-style: none;
      }
      summary:hover {
        background: var(--sunken);
      }
      summary:focus-visible {
        outline-offset: -2px;
      }
      time {
        color: var(--muted);
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      b {
        font-weight: 560;
      }
      .error b {
        color: var(--bad);
      }
      pre {
        margin: 0;
        padding: 8px 10px;
        overflow: auto;
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      @container (max-width: 520px) {
        summary {
          grid-template-columns: auto minmax(0, 1fr);
        }
        .user,
        .what {
          display: none;
        }
      }
    `,
  ]

  override render() {
    const { result } = this.answer ?? {}
    if (result?.case !== 'events') return nothing
    return repeat(
      result.value.events,
      event => idOf(event.event),
      event => this.event(event),
    )
  }

  private event(stored: StoredEvent) {
    const { event } = stored
    const at = event?.occurredAt ? timestampMs(event.occurredAt) : 0
    const properties = summary(event)
    const id = idOf(event)
    const toggle = ({ target }: Event) => this.toggle(id, (target as HTMLDetailsElement).open)
    return html`<details class=${event?.type === EventType.ERROR_EVENT ? 'error' : ''} @toggle=${toggle}>
      <summary>
        <time datetime=${new Date(at).toISOString()}>${instant(at, this.zone, { fine: true })}</time>
        <b class="clip" title=${event?.name ?? ''}>${event?.name}</b>
        <span class="clip user" title=${event?.userId ?? ''}>${event?.userId}</span>
        <span class="clip what muted">${properties}</span>
      </summary>
      ${this.opened.has(id) ? html`<pre tabindex="0">${json(stored)}</pre>` : nothing}
    </details>`
  }

  /** What is known of an event is written only when somebody looks: most are never opened. */
  private toggle(id: string, open: boolean) {
    const opened = new Set(this.opened)
    if (open) opened.add(id)
    else opened.delete(id)
    this.opened = opened
  }
}
