import { create } from '@bufbuild/protobuf'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { shared } from '../app/theme/styles'
import { type TimeRange, TimeRangeSchema } from '../gen/tidemark/v1/question_pb'
import {
  CALENDAR,
  LAST,
  type Span,
  absolute,
  fromLocal,
  last,
  local,
  same,
  wider,
  words,
} from '../model/range'
import '../tiles/popup'
import type { Popup } from '../tiles/popup'

/** Chooses a range of time: the last so long, days, weeks and months of the calendar, or from one instant to another. Steps back to
 * ranges that were chosen before and zooms out. Dispatches `change` with a new `TimeRange`. */
@customElement('tm-time-range')
export class TimeRangeElement extends LitElement {
  @property({ attribute: false }) range: TimeRange = create(TimeRangeSchema)
  @property() zone = 'UTC'
  /** The span that was answered, where it is known; zooming out of a range of the calendar begins there. */
  @property({ attribute: false }) span?: Span
  /** What is read where no range is chosen. */
  @property() usual = ''
  @state() private trail: TimeRange[] = []
  @state() private failure = ''
  @query('tm-popup') private popup!: Popup
  @query('#from') private from!: HTMLInputElement
  @query('#to') private to!: HTMLInputElement

  static override styles = [
    shared,
    css`
      :host {
        display: inline-flex;
        max-width: 100%;
        align-items: center;
        gap: 2px;
      }
      tm-popup {
        --popup-padding: 10px;
      }
      [slot='trigger'] {
        display: inline-flex;
        min-width: 0;
        align-items: center;
        gap: 7px;
        font-variant-numeric: tabular-nums;
      }
      .panel {
        display: grid;
        grid-template-columns: auto auto;
        gap: 2px var(--space-4);
        border: 0;
        background: none;
        box-shadow: none;
      }
      .list {
        display: grid;
        align-content: start;
      }
      .list button {
        justify-content: flex-start;
        min-height: 28px;
        color: var(--text);
        font-weight: 450;
      }
      .list button[aria-pressed='true'] {
        background: var(--accent-soft);
        color: var(--text);
        font-weight: 600;
      }
      h3 {
        padding: 4px 11px;
      }
      form {
        display: grid;
        grid-column: 1 / -1;
        gap: var(--space-2);
        margin-top: var(--space-2);
        padding: var(--space-3) var(--space-2) var(--space-1);
        border-top: 1px solid var(--line);
      }
      .ends {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(170px, 1fr));
        gap: var(--space-2);
      }
    `,
  ]

  override render() {
    return html`
      ${
        this.trail.length
          ? html`<button class="quiet icon-only" aria-label="Back to the time before" title="Back" @click=${() => this.back()}>
              ${icon('back')}
            </button>`
          : nothing
      }
      <tm-popup look="" label="Time: ${this.words}" @tm-open=${() => (this.failure = '')}>
        <span slot="trigger">${icon('clock')}<span class="clip">${this.words}</span></span>
        ${this.panel()}
      </tm-popup>
      ${
        this.outer
          ? html`<button class="quiet icon-only" aria-label="Zoom out" title="Zoom out" @click=${() => this.zoomOut()}>
              ${icon('wider')}
            </button>`
          : nothing
      }
    `
  }

  protected override willUpdate(changed: PropertyValues<this>) {
    const before = changed.get('range')
    if (!changed.has('range') || !before || same(before, this.range)) return
    if (same(this.trail.at(-1), this.range)) this.trail = this.trail.slice(0, -1)
    else this.trail = [...this.trail, before].slice(-20)
  }

  private get words(): string {
    const none = !this.range.last && !this.range.calendar && !this.range.start && !this.range.end
    return none && this.usual ? this.usual : words(this.range, this.zone)
  }

  private panel() {
    return html`<div class="panel">
      ${this.list('To now', LAST)} ${this.list('Calendar', CALENDAR)}
      <form @submit=${(event: SubmitEvent) => this.settle(event)}>
        <div class="ends">
          <label class="field">From <input id="from" type="datetime-local" .value=${this.shown('start')} /></label>
          <label class="field">To (now when empty) <input id="to" type="datetime-local" .value=${this.shown('end')} /></label>
        </div>
        ${this.failure ? html`<p class="problem small" role="alert">${this.failure}</p>` : nothing}
        <div class="row">
          <span class="muted small grow">Times of ${this.zone}</span>
          <button>Show this time</button>
        </div>
      </form>
    </div>`
  }

  private list(title: string, offered: typeof LAST) {
    return html`<div class="list" role="group" aria-label=${title}>
      <h3>${title}</h3>
      ${offered.map(
        each =>
          html`<button
            class="quiet"
            aria-pressed=${same(each.range, this.range) ? 'true' : 'false'}
            @click=${() => this.choose(each.range)}
          >
            ${each.title}
          </button>`,
      )}
    </div>`
  }

  private shown(end: 'start' | 'end'): string {
    const given = this.range[end]
    if (given) return local(Number(given.seconds) * 1000, this.zone)
    return this.span && end === 'start' ? local(this.span.start, this.zone) : ''
  }

  private settle(event: SubmitEvent) {
    event.preventDefault()
    const start = fromLocal(this.from.value, this.zone)
    const end = this.to.value ? fromLocal(this.to.value, this.zone) : undefined
    if (start === undefined) this.failure = 'Say when it begins.'
    else if (end !== undefined && end <= start)
      this.failure = 'The end is not after the beginning: choose a later one.'
    else if (end !== undefined) this.choose(absolute({ start, end }))
    else this.choose(create(TimeRangeSchema, { start: absolute({ start, end: start }).start }))
  }

  /** The range of twice the length; undefined where it is not known how long the present one is. */
  private get outer(): TimeRange | undefined {
    const { range, span } = this
    if (range.last) return last(Number(range.last.seconds) * 2)
    const given = range.start &&
      range.end && { start: Number(range.start.seconds) * 1000, end: Number(range.end.seconds) * 1000 }
    const known = given ?? span
    return known && absolute(wider(known, Date.now()))
  }

  private zoomOut() {
    if (this.outer) this.tell(this.outer)
  }

  private back() {
    const before = this.trail.at(-1)
    if (before) this.tell(before)
  }

  private choose(range: TimeRange) {
    this.popup.hide()
    if (!same(range, this.range)) this.tell(range)
  }

  private tell(range: TimeRange) {
    this.dispatchEvent(new CustomEvent('change', { detail: range }))
  }
}
