import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { live } from 'lit/directives/live.js'
import { shared } from '../app/theme/styles'
import type { Suggestion } from '../gen/tidemark/v1/query_pb'
import type { Suggest } from './suggest'

const PAUSE = 120
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })

/** A text field that completes what is typed; any text may be given. Dispatches `change` with the text when it is settled: by
 * a choice, by Enter, or by leaving. */
@customElement('tm-complete')
export class Complete extends LitElement {
  @property() value = ''
  @property() label = ''
  @property() placeholder = ''
  @property({ attribute: false }) suggest?: Suggest
  @state() private text = ''
  @state() private dirty = false
  @state() private open = false
  @state() private active = -1
  @state() private offered: Suggestion[] = []
  @query('input') private input!: HTMLInputElement
  @query('ul') private list?: HTMLElement

  private asking?: AbortController
  private shown = false

  static override styles = [
    shared,
    css`
      :host {
        display: inline-block;
        min-width: 90px;
      }
      input {
        width: 100%;
      }
      ul {
        position: fixed;
        inset: auto;
        overflow: auto;
        max-height: 280px;
        margin: 0;
        padding: 4px;
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
        background: var(--raised);
        color: var(--text);
        box-shadow: var(--shadow-raised);
        list-style: none;
      }
      li {
        display: flex;
        gap: var(--space-3);
        justify-content: space-between;
        padding: 4px 8px;
        border-radius: 4px;
        cursor: pointer;
      }
      li span:first-child {
        overflow-wrap: anywhere;
      }
      li[aria-selected='true'] {
        background: var(--accent-soft);
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    this.asking?.abort()
  }

  override focus() {
    this.input.focus()
  }

  override render() {
    const active = this.open && this.active >= 0
    return html`
      <input
        role="combobox"
        autocomplete="off"
        spellcheck="false"
        aria-label=${this.label}
        aria-expanded=${this.open ? 'true' : 'false'}
        aria-controls="offered"
        aria-autocomplete="list"
        aria-activedescendant=${active ? `option-${this.active}` : nothing}
        placeholder=${this.placeholder}
        .value=${live(this.dirty ? this.text : this.value)}
        @input=${this.type}
        @focus=${this.look}
        @blur=${this.settle}
        @keydown=${this.press}
        @change=${(event: Event) => event.stopPropagation()}
      />
      <ul id="offered" role="listbox" popover="manual" aria-label="Suggestions">
        ${this.offered.map((each, place) => this.option(each, place))}
      </ul>
    `
  }

  private option({ value, count }: Suggestion, place: number) {
    // The press, not the click: by the click the field has lost its focus and is settled.
    const choose = (event: Event) => {
      event.preventDefault()
      this.choose(value)
    }
    return html`<li
      id="option-${place}"
      role="option"
      aria-selected=${place === this.active ? 'true' : 'false'}
      @pointerdown=${choose}
    >
      <span>${value || '(empty)'}</span><span class="muted number">${count ? compact.format(count) : ''}</span>
    </li>`
  }

  override updated(changed: PropertyValues) {
    if (!this.list || (!changed.has('open') && !changed.has('offered'))) return
    const shown = this.open && this.offered.length > 0
    if (shown) {
      const { left, bottom, width, top } = this.input.getBoundingClientRect()
      this.list.showPopover()
      const room = innerHeight - bottom
      const above = room < 160 && top > room
      this.list.style.left = `${Math.max(8, Math.min(left, innerWidth - Math.max(width, 220) - 8))}px`
      this.list.style.top = above ? 'auto' : `${bottom + 4}px`
      this.list.style.bottom = above ? `${innerHeight - top + 4}px` : 'auto'
      this.list.style.minWidth = `${width}px`
      this.list.style.maxWidth = `${Math.min(460, innerWidth - 16)}px`
    } else if (this.shown) this.list.hidePopover()
    this.shown = shown
  }

  private type = () => {
    this.text = this.input.value
    this.dirty = true
    this.active = -1
    void this.ask(this.text, PAUSE)
  }

  private look = () => {
    this.input.select()
    void this.ask('', 0)
  }

  private press = (event: KeyboardEvent) => {
    const last = this.offered.length - 1
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      if (!this.open) return this.look()
      const way = event.key === 'ArrowDown' ? 1 : -1
      this.active = this.active + way < 0 ? last : this.active + way > last ? 0 : this.active + way
      void this.updateComplete.then(() =>
        this.renderRoot.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }),
      )
    } else if (event.key === 'Enter') {
      const chosen = this.offered[this.active]
      if (this.open && chosen) event.preventDefault()
      if (this.open && chosen) this.choose(chosen.value)
      else this.settle()
    } else if (event.key === 'Escape' && this.open) {
      event.stopPropagation()
      event.preventDefault()
      this.close()
    }
  }

  private choose(value: string) {
    this.text = value
    this.dirty = true
    this.settle()
  }

  private settle = () => {
    this.close()
    if (!this.dirty) return
    this.dirty = false
    if (this.text !== this.value) this.dispatchEvent(new CustomEvent('change', { detail: this.text }))
  }

  private close() {
    this.asking?.abort()
    this.open = false
    this.active = -1
  }

  private async ask(text: string, pause: number) {
    this.asking?.abort()
    const asking = (this.asking = new AbortController())
    await new Promise(resolve => setTimeout(resolve, pause))
    if (asking.signal.aborted || !this.suggest) return
    try {
      const offered = await this.suggest(text, asking.signal)
      if (asking.signal.aborted) return
      this.offered = offered
      this.open = true
    } catch {
      // Nothing is offered; what is typed counts all the same.
      this.open = false
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'tm-complete': Complete
  }
}
