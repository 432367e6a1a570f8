import { LitElement, type TemplateResult, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import type { Connection } from '../client/follow'
import { icon } from './icons'
import mark from './theme/mark.svg'
import { type Route, navigate, route, start } from './router'
import { type Session, choose, current, signOut } from './session'
import './sign-in'
import { shared } from './theme/styles'
import { type Choice, choice, choose as chooseTheme } from './theme/theme'

const PAGES = [
  { page: 'home', path: '/', title: 'Home' },
  { page: 'dashboards', path: '/dashboards', title: 'Dashboards' },
  { page: 'explore', path: '/explore', title: 'Explore' },
  { page: 'live', path: '/live', title: 'Live' },
  { page: 'insights', path: '/insights', title: 'Insights' },
  { page: 'reports', path: '/reports', title: 'Reports' },
  { page: 'data', path: '/data', title: 'Data' },
] as const

const CONNECTIONS: Record<Connection, { dot: string; text: string }> = {
  opening: { dot: 'warn', text: 'connecting…' },
  live: { dot: 'good', text: 'live' },
  resuming: { dot: 'warn', text: 'reconnecting…' },
  ended: { dot: 'bad', text: 'not connected' },
}

const THEMES: Record<Choice, { next: Choice; icon: 'system' | 'sun' | 'moon'; text: string }> = {
  system: { next: 'light', icon: 'system', text: 'Theme: as the system' },
  light: { next: 'dark', icon: 'sun', text: 'Theme: light' },
  dark: { next: 'system', icon: 'moon', text: 'Theme: dark' },
}

/** The script of each page. */
const PARTS: Record<Route['page'], () => Promise<unknown>> = {
  home: () => import('../home/home'),
  dashboards: () => import('../home/dashboards'),
  dashboard: () => import('../dashboard/dashboard'),
  explore: () => import('../explorer/explorer'),
  live: () => import('../live/live'),
  insights: () => import('../insights/insights'),
  reports: () => import('../reports/reports'),
  data: () => import('../data/data'),
  missing: () => Promise.resolve(),
}

/** Everything around the pages: who is signed in, where to go, how the connection stands. Shows the page of the address. */
@customElement('tm-app')
export class Shell extends LitElement {
  @state() private session?: Session
  @state() private known = false
  @state() private reason = ''
  @state() private failure = ''
  @state() private route: Route = route(location.pathname)
  @state() private connection?: Connection
  @state() private theme: Choice = choice()
  @query('main') private main?: HTMLElement

  private stop?: () => void
  private ending?: ReturnType<typeof setTimeout>

  static override styles = [
    shared,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 100vh;
      }
      .skip {
        position: absolute;
        z-index: 30;
        inset: -60px auto auto var(--space-2);
      }
      .skip:focus {
        top: var(--space-2);
      }
      header {
        position: sticky;
        z-index: 20;
        top: 0;
        display: flex;
        align-items: center;
        gap: var(--space-2);
        height: 48px;
        padding: 0 var(--space-4);
        border-bottom: 1px solid var(--line);
        background: var(--surface);
      }
      .mark {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-right: var(--space-3);
        color: var(--text);
        font-size: 15px;
        font-weight: 680;
        letter-spacing: -0.01em;
        text-decoration: none;
      }
      .mark img {
        width: 22px;
        height: 22px;
      }
      nav {
        display: flex;
        gap: 2px;
        height: 100%;
      }
      nav a {
        display: flex;
        align-items: center;
        gap: 7px;
        padding: 0 10px;
        border-bottom: 2px solid transparent;
        color: var(--muted);
        font-weight: 540;
        text-decoration: none;
      }
      nav a:hover {
        color: var(--text);
      }
      nav a[aria-current] {
        border-color: var(--accent);
        color: var(--text);
      }
      .project {
        max-width: 220px;
        font-weight: 560;
      }
      .connection {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        min-width: 0;
        color: var(--muted);
        font-size: var(--text-small);
        white-space: nowrap;
      }
      main {
        flex: 1;
        display: flow-root;
        width: 100%;
        max-width: 2400px;
        margin: 0 auto;
        padding: var(--space-4);
      }
      main:focus {
        outline: none;
      }
      @media (max-width: 820px) {
        .connection span:last-child,
        .role {
          display: none;
        }
        .project {
          max-width: 110px;
        }
      }
      /* Only the words fit beside one another; on narrower windows the icons are back, above them. */
      @media (min-width: 641px) and (max-width: 900px) {
        nav a {
          padding: 0 8px;
        }
        nav svg {
          display: none;
        }
      }
      @media (max-width: 640px) {
        header {
          padding: 0 var(--space-3);
        }
        .mark span {
          display: none;
        }
        nav {
          position: fixed;
          z-index: 20;
          inset: auto 0 0;
          height: 52px;
          border-top: 1px solid var(--line);
          background: var(--surface);
        }
        nav a {
          flex: 1;
          flex-direction: column;
          justify-content: center;
          gap: 2px;
          padding: 0;
          border: 0;
          border-top: 2px solid transparent;
          font-size: 11px;
        }
        main {
          padding: var(--space-3) var(--space-3) 68px;
        }
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    this.stop = start(moved => void this.arrive(moved))
    document.addEventListener('tm-signed-out', this.expire)
    this.addEventListener('tm-signed-in', this.enter as EventListener)
    this.addEventListener('tm-connection', this.connect as EventListener)
    // The script of the page comes while it is found out who is there.
    PARTS[this.route.page]().catch(() => undefined)
    void this.recognise()
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    this.stop?.()
    clearTimeout(this.ending)
    document.removeEventListener('tm-signed-out', this.expire)
  }

  override render() {
    if (this.failure)
      return html`<div class="state" role="alert">
        <h1>Tidemark cannot be reached</h1>
        <p>${this.failure}</p>
        <button @click=${() => location.reload()}>Try again</button>
      </div>`
    if (!this.known) return html`<div class="state" role="status">Opening…</div>`
    if (!this.session) return html`<tm-sign-in .reason=${this.reason}></tm-sign-in>`
    return html`
      <header>
        <button class="skip" @click=${this.skip}>Skip to the page</button>
        <a class="mark" href="/" aria-label="Tidemark, home"><img src=${mark} alt="" /><span>Tidemark</span></a>
        <nav aria-label="Pages">${PAGES.map(each => this.link(each))}</nav>
        <span class="grow"></span>
        ${this.indicator()} ${this.project(this.session)}
        <span class="chip role" title="What your key may do">${this.session.role}</span>
        ${this.themeButton()}
        <button class="quiet icon-only" aria-label="Sign out" title="Sign out" @click=${this.leave}>
          ${icon('leave')}
        </button>
      </header>
      <main id="main" tabindex="-1">${this.page(this.session)}</main>
    `
  }

  private link({ page, path, title }: (typeof PAGES)[number]) {
    const here = this.route.page === page || (page === 'dashboards' && this.route.page === 'dashboard')
    return html`<a href=${path} aria-current=${here ? 'page' : nothing}
      >${icon(page)}<span>${title}</span></a
    >`
  }

  private indicator() {
    if (!this.connection) return nothing
    const { dot, text } = CONNECTIONS[this.connection]
    return html`<span class="connection" role="status" title="The stream of this page">
      <span class="dot ${dot}"></span><span>${text}</span>
    </span>`
  }

  private project(session: Session) {
    if (session.projects.length < 2)
      return html`<span class="project clip" title="${session.title}, days of ${session.zone}">${session.title}</span>`
    const change = async (event: Event) => {
      choose((event.target as HTMLSelectElement).value)
      await this.recognise()
      navigate('/')
    }
    return html`<select class="project" aria-label="Project" @change=${change}>
      ${session.projects.map(
        name =>
          html`<option value=${name} ?selected=${name === session.project}>${name.slice('projects/'.length)}</option>`,
      )}
    </select>`
  }

  private themeButton() {
    const { next, icon: drawn, text } = THEMES[this.theme]
    const change = () => {
      chooseTheme(next)
      this.theme = next
    }
    return html`<button class="quiet icon-only" aria-label=${text} title=${text} @click=${change}>
      ${icon(drawn)}
    </button>`
  }

  private page(session: Session): TemplateResult {
    switch (this.route.page) {
      case 'home':
        return html`<tm-home .session=${session}></tm-home>`
      case 'dashboards':
        return html`<tm-dashboards .session=${session}></tm-dashboards>`
      case 'dashboard': {
        const name = `${session.project}/dashboards/${this.route.id}`
        return html`<tm-dashboard .session=${session} .name=${name}></tm-dashboard>`
      }
      case 'explore':
        return html`<tm-explorer .session=${session}></tm-explorer>`
      case 'live':
        return html`<tm-live .session=${session}></tm-live>`
      case 'data': {
        const { section, id } = this.route
        return html`<tm-data .session=${session} .section=${section} .name=${id}></tm-data>`
      }
      case 'insights': {
        const { section, id } = this.route
        return html`<tm-insights .session=${session} .section=${section} .name=${id}></tm-insights>`
      }
      case 'reports': {
        const { section, id } = this.route
        return html`<tm-reports .session=${session} .section=${section} .name=${id}></tm-reports>`
      }
      case 'missing':
        return html`<div class="state">
          <h1>There is no such page</h1>
          <p><a href="/">Go home</a></p>
        </div>`
    }
  }

  /** Finds out who is signed in: at the start, and when another project was chosen. */
  private recognise = async () => {
    this.failure = ''
    try {
      this.admit(await current())
    } catch (error) {
      this.failure = error instanceof Error ? error.message : 'The server gave no reason.'
    }
    this.known = true
  }

  private admit(session: Session | undefined) {
    clearTimeout(this.ending)
    this.session = session
    this.connection = undefined
    if (!session) return
    this.reason = ''
    // A timer can wait for 24 days at most; a session that lives longer is asked about by the next request.
    const left = session.ends.getTime() - Date.now()
    if (left < 2 ** 31) this.ending = setTimeout(this.expire, Math.max(0, left))
    void this.arrive(false)
  }

  private enter = (event: CustomEvent<Session>) => this.admit(event.detail)

  /** The session has ended: asks for a key again, and the address leads back to where people were. */
  private expire = () => {
    if (!this.session) return
    this.reason = 'Your session has ended. Sign in again to go on where you were.'
    this.admit(undefined)
  }

  private leave = async () => {
    await signOut().catch(() => undefined)
    this.admit(undefined)
  }

  private connect = (event: CustomEvent<Connection>) => {
    this.connection = event.detail
  }

  /** Shows the page of the address, whose script is loaded when it is first needed. */
  private async arrive(moved: boolean) {
    const next = route(location.pathname)
    const same = JSON.stringify(next) === JSON.stringify(this.route)
    if (!same) this.connection = undefined
    this.route = next
    document.title = [PAGES.find(each => each.page === next.page)?.title, 'Tidemark']
      .filter(Boolean)
      .join(' · ')
    try {
      await PARTS[next.page]()
    } catch {
      this.failure = 'Another version of this page was put on the server, or it is away. Load the page again.'
    }
    if (moved && !same) {
      await this.updateComplete
      this.main?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
  }

  private skip = () => this.main?.focus()
}
