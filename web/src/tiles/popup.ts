import { LitElement, css, html } from 'lit'
import { customElement, property, query } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'

/** A button that opens a panel beside it. What is shown on the button comes in the slot `trigger`, the panel in the other. A click
 * outside and Escape close it, and so does `hide()`; dispatches `tm-open` before it opens. */
@customElement('tm-popup')
export class Popup extends LitElement {
  /** What the button is for; read out, and shown when pointed at. */
  @property() label = ''
  @property() look = 'quiet'
  @property({ type: Boolean }) disabled = false
  @query('#panel') private panel!: HTMLElement
  @query('button') private button!: HTMLButtonElement

  static override styles = [
    shared,
    css`
      :host {
        display: inline-block;
        min-width: 0;
      }
      button {
        min-height: var(--popup-height, var(--control));
        max-width: 100%;
        padding: 0 var(--popup-padding, 8px);
      }
      #panel {
        position: fixed;
        inset: auto;
        max-width: calc(100vw - 16px);
        max-height: calc(100vh - 16px);
        margin: 0;
        padding: var(--space-2);
        overflow: auto;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--raised);
        color: var(--text);
        box-shadow: var(--shadow-raised);
      }
    `,
  ]

  override render() {
    return html`
      <button
        class=${this.look}
        popovertarget="panel"
        aria-label=${this.label}
        title=${this.label}
        ?disabled=${this.disabled}
        @pointerdown=${(event: Event) => event.stopPropagation()}
      >
        <slot name="trigger"></slot>
      </button>
      <div id="panel" popover @beforetoggle=${(event: ToggleEvent) => this.opening(event)} @toggle=${(event: ToggleEvent) => this.place(event)}>
        <slot></slot>
      </div>
    `
  }

  /** Closes the panel and gives the button the focus back. */
  hide() {
    this.panel.hidePopover()
    this.button.focus()
  }

  private opening(event: ToggleEvent) {
    if (event.newState === 'open') this.dispatchEvent(new CustomEvent('tm-open'))
  }

  /** Beneath the button, or above it where there is more room; always within the window. */
  private place(event: ToggleEvent) {
    if (event.newState !== 'open') return
    const { panel } = this
    const at = this.button.getBoundingClientRect()
    const { width, height } = panel.getBoundingClientRect()
    const left = Math.max(8, Math.min(at.left, innerWidth - width - 8))
    const under = at.bottom + 4
    const top = under + height < innerHeight - 8 ? under : Math.max(8, at.top - height - 4)
    panel.style.setProperty('left', `${left}px`)
    panel.style.setProperty('top', `${Math.min(top, Math.max(8, innerHeight - height - 8))}px`)
  }
}
