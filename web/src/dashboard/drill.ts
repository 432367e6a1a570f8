import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { givenUp, problem } from '../client/problem'
import { queries } from '../client/transport'
import { TileSchema } from '../gen/tidemark/v1/dashboard_pb'
import {
  type EventsResult,
  EventsResultSchema,
  type PeopleResult,
  type Query,
} from '../gen/tidemark/v1/question_pb'
import type { Behind } from '../model/drill'
import { instant, number } from '../model/format'
import { write as address } from '../model/share'
import '../tiles/events'

type Tab = 'events' | 'people'
const PAGE = 100

/** What is behind a point: its events and its people, page by page, beside the dashboard. Opened by `show`. */
@customElement('tm-drill')
export class Drill extends LitElement {
  @property({ attribute: false }) session!: Session
  @property() zone = 'UTC'
  @state() private behind: Behind = {}
  @state() private heading = ''
  @state() private tab: Tab = 'events'
  @state() private events?: EventsResult
  @state() private people?: PeopleResult
  @state() private next = ''
  @state() private busy = false
  @state() private failure = ''
  @query('dialog') private dialog!: HTMLDialogElement

  private asking = new AbortController()

  static override styles = [
    shared,
    css`
      dialog {
        width: min(720px, 100vw);
        max-width: none;
        height: 100vh;
        max-height: none;
        margin: 0 0 0 auto;
        padding: 0;
        border-width: 0 0 0 1px;
        border-radius: 0;
      }
      dialog[open] {
        display: flex;
        flex-direction: column;
      }
      header {
        padding: var(--space-3) var(--space-4);
        border-bottom: 1px solid var(--line);
      }
      .tabs {
        display: flex;
        gap: 2px;
        padding: 0 var(--space-4);
        border-bottom: 1px solid var(--line);
      }
      .tabs button {
        border: 0;
        border-bottom: 2px solid transparent;
        border-radius: 0;
        background: none;
        color: var(--muted);
      }
      .tabs button[aria-selected='true'] {
        border-color: var(--accent);
        color: var(--text);
      }
      .content {
        flex: 1;
        min-height: 0;
        padding: var(--space-2) var(--space-4) var(--space-4);
        overflow: auto;
      }
      .more {
        margin-top: var(--space-3);
      }
      td:first-child {
        max-width: 260px;
        overflow: hidden;
        text-overflow: ellipsis;
      }
    `,
  ]

  /** Opens the panel with these questions. */
  async show(behind: Behind, heading: string, tab: Tab = behind.events ? 'events' : 'people') {
    this.behind = behind
    this.heading = heading
    this.events = this.people = undefined
    await this.updateComplete
    if (!this.dialog.open) this.dialog.showModal()
    await this.turn(tab)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    this.asking.abort()
  }

  override render() {
    const question = this.behind[this.tab]
    return html`<dialog aria-labelledby="heading" @close=${() => this.asking.abort()} @click=${(event: Event) => this.outside(event)}>
      <header class="row">
        <h2 id="heading" class="grow clip" title=${this.heading}>${this.heading}</h2>
        ${question ? html`<a class="button quiet" href=${this.explore(question)}>${icon('explore')} Explore</a>` : nothing}
        <button class="quiet icon-only" aria-label="Close" @click=${() => this.dialog.close()}>${icon('close')}</button>
      </header>
      <div class="tabs" role="tablist" aria-label="What is behind it" @keydown=${(event: KeyboardEvent) => this.sideways(event)}>
        ${this.behind.events ? this.tabButton('events', 'Events') : nothing} ${this.behind.people ? this.tabButton('people', 'People') : nothing}
      </div>
      <div class="content" role="tabpanel" tabindex="0" aria-label=${this.tab}>
        ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing} ${this.content()}
        ${this.busy ? html`<p class="state" role="status">Asking…</p>` : nothing}
        ${
          this.next && !this.busy
            ? html`<div class="row more"><button @click=${() => void this.ask()}>More</button></div>`
            : nothing
        }
      </div>
    </dialog>`
  }

  private tabButton(tab: Tab, title: string) {
    const here = this.tab === tab
    return html`<button
      role="tab"
      aria-selected=${here ? 'true' : 'false'}
      tabindex=${here ? 0 : -1}
      @click=${() => void this.turn(tab)}
    >
      ${title}
    </button>`
  }

  private content() {
    if (this.tab === 'events') {
      if (!this.events) return nothing
      if (!this.events.events.length) return this.busy ? nothing : html`<p class="state">No events.</p>`
      const answer = { result: { case: 'events', value: this.events } }
      return html`<tm-events .tile=${create(TileSchema)} .answer=${answer} .zone=${this.zone}></tm-events>`
    }
    if (!this.people) return nothing
    const { people, total } = this.people
    if (!people.length) return html`<p class="state">Nobody.</p>`
    return html`<p class="muted small">${number(total)} people, who were active last first</p>
      <table>
        <thead>
          <tr>
            <th scope="col">Person</th>
            <th scope="col">First seen</th>
            <th scope="col">Last seen</th>
            <th scope="col" class="number">Events</th>
          </tr>
        </thead>
        <tbody>
          ${people.map(
            person =>
              html`<tr>
                <td title=${person.userId}>${person.userId}</td>
                <td>${person.firstSeen ? instant(timestampMs(person.firstSeen), this.zone) : ''}</td>
                <td>${person.lastSeen ? instant(timestampMs(person.lastSeen), this.zone) : ''}</td>
                <td class="number">${number(person.events)}</td>
              </tr>`,
          )}
        </tbody>
      </table>`
  }

  private explore(query: Query): string {
    return `/explore${address({ query, display: 0 })}`
  }

  private async turn(tab: Tab) {
    this.tab = tab
    this.next = ''
    this.events = this.people = undefined
    await this.ask()
  }

  /** Asks for the next page. */
  private async ask() {
    const query = this.behind[this.tab]
    if (!query) return
    this.asking.abort()
    const { signal } = (this.asking = new AbortController())
    this.busy = true
    this.failure = ''
    try {
      const request = { project: this.session.project, query, pageSize: PAGE, pageToken: this.next }
      const { result, nextPageToken } = await queries.runQuery(request, { signal })
      this.next = nextPageToken
      if (result.case === 'events') {
        const events = [...(this.events?.events ?? []), ...result.value.events]
        this.events = create(EventsResultSchema, { events })
      } else if (result.case === 'people')
        this.people = { ...result.value, people: [...(this.people?.people ?? []), ...result.value.people] }
    } catch (error) {
      if (givenUp(error)) return
      this.failure = problem(error).text
    }
    this.busy = false
  }

  private sideways(event: KeyboardEvent) {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
    const other = this.tab === 'events' ? 'people' : 'events'
    if (!this.behind[other]) return
    void this.turn(other).then(() =>
      this.renderRoot.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus(),
    )
  }

  /** A click beside the panel closes it. */
  private outside(event: Event) {
    if (event.target === this.dialog) this.dialog.close()
  }
}
