import { timestampDate } from '@bufbuild/protobuf/wkt'
import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { shared } from '../app/theme/styles'
import { EventType } from '../gen/tidemark/v1/event_pb'
import type { StoredEvent } from '../gen/tidemark/v1/question_pb'
import { TYPES, json, summary } from '../model/event'

const clocks = new Map<string, Intl.DateTimeFormat>()

/** One event: a line, and the whole of it when opened. Dispatches `narrow` with `{field, value}` to see only its like. */
@customElement('tm-event-row')
export class EventRow extends LitElement {
  @property({ attribute: false }) stored!: StoredEvent
  @property() zone = 'UTC'
  @state() private open = false

  static override styles = [
    shared,
    css`
      :host {
        border-bottom: 1px solid var(--line);
        content-visibility: auto;
        contain-intrinsic-size: auto 33px;
      }
      :host(:last-child) {
        border-bottom: 0;
      }
      .line {
        display: grid;
        grid-template-columns: 16px 100px 76px minmax(120px, 220px) minmax(90px, 180px) 1fr;
        gap: var(--space-2);
        align-items: center;
        width: 100%;
        min-height: 32px;
        padding: 0 var(--space-3);
        border: 0;
        border-radius: 0;
        background: none;
        font-weight: 400;
        text-align: left;
        animation: arrive 1.2s ease-out;
      }
      @keyframes arrive {
        from {
          background: var(--accent-soft);
        }
      }
      .line:hover {
        background: var(--sunken);
      }
      .line:focus-visible {
        outline-offset: -2px;
      }
      .line[aria-expanded='true'] svg {
        transform: rotate(90deg);
      }
      time {
        font-variant-numeric: tabular-nums;
        color: var(--muted);
      }
      .name {
        font-weight: 560;
      }
      .chip {
        justify-self: start;
      }
      .what {
        font-family: var(--mono);
        font-size: var(--text-small);
        color: var(--muted);
      }
      .whole {
        padding: 0 var(--space-3) var(--space-3) 36px;
      }
      pre {
        overflow: auto;
        max-height: 420px;
        margin: var(--space-2) 0 0;
        padding: var(--space-3);
        border-radius: var(--radius-small);
        background: var(--sunken);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      @media (max-width: 760px) {
        .line {
          grid-template-columns: 16px auto 1fr auto;
          padding: 6px var(--space-2);
        }
        .chip {
          justify-self: end;
          order: 3;
        }
        .who,
        .what {
          display: none;
        }
        .whole {
          padding-left: var(--space-3);
        }
      }
    `,
  ]

  override render() {
    const { event, late } = this.stored
    const type = TYPES.find(each => each.type === event?.type)
    const tone =
      event?.type === EventType.ERROR_EVENT ? 'bad' : event?.type === EventType.SECURITY_EVENT ? 'warn' : ''
    const occurred = event?.occurredAt && timestampDate(event.occurredAt)
    return html`
      <button class="line" aria-expanded=${this.open ? 'true' : 'false'} @click=${() => (this.open = !this.open)}>
        ${icon('right')}
        <time datetime=${occurred?.toISOString() ?? nothing} title=${late ? 'Came later than the accepted lateness' : nothing}>
          ${occurred ? clock(this.zone).format(occurred) : '—'}${late ? ' late' : ''}
        </time>
        <span class="chip ${tone}" title=${type?.words ?? ''}>${type?.short ?? 'event'}</span>
        <span class="name clip">${event?.name}</span>
        <span class="who clip muted">${event?.userId}</span>
        <span class="what clip">${summary(event)}</span>
      </button>
      ${this.open ? this.whole() : nothing}
    `
  }

  private whole() {
    const { event } = this.stored
    return html`<div class="whole">
      <div class="row">
        ${this.narrower('Only this event', 'name', event?.name)} ${this.narrower('Only this person', 'user_id', event?.userId)}
        ${this.narrower('Only this session', 'session_id', event?.sessionId)}
        <button @click=${() => navigator.clipboard.writeText(json(this.stored))}>${icon('copy')} Copy</button>
      </div>
      <pre tabindex="0" aria-label="The event as JSON">${json(this.stored)}</pre>
    </div>`
  }

  private narrower(title: string, field: string, value: string | undefined) {
    if (!value) return nothing
    const narrow = () => this.dispatchEvent(new CustomEvent('narrow', { detail: { field, value } }))
    return html`<button @click=${narrow}>${title}</button>`
  }
}

/** The clock of a zone, to the millisecond; made once, for making one is slow. */
function clock(zone: string): Intl.DateTimeFormat {
  let made = clocks.get(zone)
  if (!made) {
    const parts = {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
    } as const
    clocks.set(
      zone,
      (made = new Intl.DateTimeFormat(undefined, { ...parts, hourCycle: 'h23', timeZone: zone })),
    )
  }
  return made
}

declare global {
  interface HTMLElementTagNameMap {
    'tm-event-row': EventRow
  }
}
