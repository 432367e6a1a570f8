import { LitElement, css, html, nothing } from 'lit'
import { property, state } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'

/** What the pages about the data and about insights share: who looks, what is under way, what went wrong, and the look of tables. */
export abstract class Page extends LitElement {
  @property({ attribute: false }) session!: Session
  /** What of the section is shown by itself, as the address says; empty for all of it. */
  @property({ attribute: false }) name = ''
  @state() protected failure = ''
  @state() protected busy = false
  private turn = 0

  static override styles = [
    shared,
    css`
      :host {
        display: block;
        min-width: 0;
      }
      header {
        flex-wrap: wrap;
        margin-bottom: var(--space-3);
      }
      header > p {
        flex: 1 0 100%;
        padding-right: max(0px, 100% - 100ch);
      }
      h1 {
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .panel {
        position: relative; /* so that hidden texts scroll with it */
        overflow-x: auto;
        margin-bottom: var(--space-3);
      }
      .problem,
      .notice {
        margin-bottom: var(--space-3);
      }
      tbody tr:hover {
        background: var(--sunken);
      }
      th,
      td {
        white-space: nowrap;
      }
      td.text {
        min-width: 180px;
        white-space: normal;
        overflow-wrap: anywhere;
      }
      caption {
        padding: var(--space-3) var(--space-3) 0;
        font-weight: 620;
        text-align: left;
      }
      td a {
        color: var(--text);
        font-weight: 560;
        text-decoration: none;
      }
      td a:hover {
        color: var(--accent);
        text-decoration: underline;
      }
      form {
        display: grid;
        gap: var(--space-3);
        padding: var(--space-4);
      }
      dialog form {
        grid-template-columns: minmax(0, 1fr);
        padding: 0;
      }
      dialog h2 {
        overflow-wrap: anywhere;
      }
      textarea.code,
      pre {
        font-family: var(--mono, monospace);
        font-size: var(--text-small);
      }
      pre {
        overflow-x: auto;
        margin: 0;
        padding: var(--space-3);
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      .ends {
        justify-content: flex-end;
      }
      .good-text {
        color: var(--good);
      }
      .bad-text {
        color: var(--bad);
      }
    `,
  ]

  /** Does something with the server; what goes wrong is shown. Says whether it went well. */
  protected async act(what: () => Promise<unknown>): Promise<boolean> {
    this.busy = true
    this.failure = ''
    try {
      await what()
      return true
    } catch (error) {
      this.failure =
        error instanceof Error && error.constructor === Error ? error.message : problem(error).text
      return false
    } finally {
      this.busy = false
    }
  }

  /** Asks the server, and takes its answer unless something else was asked meanwhile. */
  protected async read<T>(ask: () => Promise<T>, take: (answer: T) => void): Promise<boolean> {
    const turn = ++this.turn
    return this.act(async () => {
      const answer = await ask().catch((error: unknown) => {
        if (turn === this.turn) throw error
      })
      if (turn === this.turn) take(answer as T)
    })
  }

  /** A table that scrolls by itself where the window is too narrow for it, by the keyboard as well. */
  protected sheet(label: string, content: unknown) {
    return html`<div class="panel" role="region" aria-label=${label} tabindex="0">${content}</div>`
  }

  protected trouble() {
    return this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing
  }

  /** What stands where there is nothing to show, or nothing yet. */
  protected empty(loaded: boolean, title: string, more = '') {
    return html`<div class="state" role="status">
      ${loaded ? html`<strong>${title}</strong>${more ? html`<p>${more}</p>` : nothing}` : this.failure ? 'Not loaded' : 'Loading…'}
    </div>`
  }
}
