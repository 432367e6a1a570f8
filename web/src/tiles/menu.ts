import { LitElement, css, html } from 'lit'
import { customElement, property, query } from 'lit/decorators.js'
import { type icon as Icon, icon } from '../app/icons'
import { shared } from '../app/theme/styles'
import './popup'
import type { Popup } from './popup'

export type Item = { id: string; title: string; icon: Parameters<typeof Icon>[0]; danger?: boolean }

/** Things that can be done, behind a button. Dispatches `tm-pick` with the id of what was picked. */
@customElement('tm-menu')
export class Menu extends LitElement {
  @property() label = 'More'
  @property({ attribute: false }) items: Item[] = []
  @query('tm-popup') private popup!: Popup

  static override styles = [
    shared,
    css`
      :host {
        display: inline-block;
      }
      [slot='trigger'] {
        display: inline-flex;
      }
      tm-popup {
        --popup-height: 26px;
        --popup-padding: 4px;
      }
      div {
        display: grid;
        min-width: 170px;
      }
      button {
        justify-content: flex-start;
        gap: 9px;
        color: var(--text);
        font-weight: 450;
      }
    `,
  ]

  override render() {
    return html`<tm-popup label=${this.label} @tm-open=${() => this.focusFirst()}>
      <span slot="trigger">${icon('more')}</span>
      <div role="menu" aria-label=${this.label} @keydown=${(event: KeyboardEvent) => this.step(event)}>
        ${this.items.map(
          item =>
            html`<button
              role="menuitem"
              tabindex="-1"
              class="quiet ${item.danger ? 'danger' : ''}"
              @click=${() => this.pick(item.id)}
            >
              ${icon(item.icon)} ${item.title}
            </button>`,
        )}
      </div>
    </tm-popup>`
  }

  private get buttons(): HTMLButtonElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLButtonElement>('[role=menuitem]')]
  }

  private focusFirst() {
    requestAnimationFrame(() => this.buttons[0]?.focus())
  }

  private step(event: KeyboardEvent) {
    const { buttons } = this
    const at = buttons.indexOf(event.target as HTMLButtonElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    buttons.at(to % buttons.length)?.focus()
  }

  private pick(id: string) {
    this.popup.hide()
    this.dispatchEvent(new CustomEvent('tm-pick', { detail: id }))
  }
}
