import { LitElement, type TemplateResult, css, html, nothing } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { SECTIONS, type Section } from '../app/router'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import './events'
import './ledger'
import './letters'
import './partitions'
import './privacy'
import './producers'
import './rules'
import './schemas'
import './windows'

const TITLES: Record<Section, string> = {
  events: 'Events',
  schemas: 'Schemas',
  rules: 'Rules',
  letters: 'Dead letters',
  windows: 'Windows',
  ledger: 'Ledger',
  producers: 'Producers',
  partitions: 'Partitions',
  privacy: 'Privacy',
}

/** The data itself: what events there are and how good, what is done to them on their way, what went wrong, and how long they stay. */
@customElement('tm-data')
export class Data extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) section: Section = 'events'
  /** What of the section is shown by itself. */
  @property({ attribute: false }) name = ''

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
      <nav aria-label="Data">
        ${SECTIONS.map(
          each =>
            html`<a href="/data/${each}" aria-current=${each === this.section ? 'page' : nothing}>${TITLES[each]}</a>`,
        )}
      </nav>
      <div>${this.page()}</div>
    `
  }

  private page(): TemplateResult {
    const { session, name } = this
    switch (this.section) {
      case 'events':
        return html`<tm-data-events .session=${session} .name=${name}></tm-data-events>`
      case 'schemas':
        return html`<tm-data-schemas .session=${session} .name=${name}></tm-data-schemas>`
      case 'rules':
        return html`<tm-data-rules .session=${session}></tm-data-rules>`
      case 'letters':
        return html`<tm-data-letters .session=${session} .name=${name}></tm-data-letters>`
      case 'windows':
        return html`<tm-data-windows .session=${session} .name=${name}></tm-data-windows>`
      case 'ledger':
        return html`<tm-data-ledger .session=${session}></tm-data-ledger>`
      case 'producers':
        return html`<tm-data-producers .session=${session}></tm-data-producers>`
      case 'partitions':
        return html`<tm-data-partitions .session=${session}></tm-data-partitions>`
      case 'privacy':
        return html`<tm-data-privacy .session=${session}></tm-data-privacy>`
    }
  }
}
