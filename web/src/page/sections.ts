import { LitElement, type TemplateResult, css, html, nothing } from 'lit'
import { property } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'

/** A page of many, of which one is shown, with the way to the others beside it. */
export abstract class Sections<Section extends string> extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) section!: Section
  /** What of the section is shown by itself. */
  @property({ attribute: false }) name = ''

  /** Where they are, and what they are called. */
  protected abstract readonly path: string
  protected abstract readonly heading: string
  protected abstract readonly titles: Record<Section, string>

  /** The page of the section. */
  protected abstract page(): TemplateResult

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        grid-template-columns: 160px minmax(0, 1fr);
        gap: var(--space-4);
        align-items: start;
        max-width: 1440px;
        margin: 0 auto;
      }
      nav {
        position: sticky;
        top: 64px;
        display: grid;
        gap: 2px;
      }
      nav a {
        padding: 6px var(--space-3);
        border-radius: var(--radius-small);
        color: var(--muted);
        font-weight: 540;
        text-decoration: none;
      }
      nav a:hover {
        color: var(--text);
      }
      nav a[aria-current] {
        background: var(--accent-soft);
        color: var(--accent);
      }
      @media (max-width: 820px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
        }
        nav {
          position: static;
          display: flex;
          overflow-x: auto;
        }
        nav a {
          flex: none;
        }
      }
    `,
  ]

  override updated() {
    this.renderRoot.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }

  override render() {
    return html`
      <nav aria-label=${this.heading}>
        ${(Object.entries(this.titles) as [Section, string][]).map(
          ([section, title]) =>
            html`<a href="${this.path}/${section}" aria-current=${section === this.section ? 'page' : nothing}>${title}</a>`,
        )}
      </nav>
      <div>${this.page()}</div>
    `
  }
}
