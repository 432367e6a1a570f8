import { create } from '@bufbuild/protobuf'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'
import { dashboards as client } from '../client/transport'
import { type Dashboard, DashboardSchema } from '../gen/tidemark/v1/dashboard_pb'
import { idOf, read, write } from '../model/file'
import { download } from '../tiles/download'

/** The dashboards of the project: open, make, clone and delete them, bring them in from a file and take them out as one. */
@customElement('tm-dashboards')
export class Dashboards extends LitElement {
  @property({ attribute: false }) session!: Session
  @state() private listed?: Dashboard[]
  @state() private failure = ''
  @state() private busy = false
  @state() private wanted = ''
  @state() private doomed?: Dashboard
  @query('#create') private creating!: HTMLDialogElement
  @query('#delete') private deleting!: HTMLDialogElement
  @query('input[type=file]') private file!: HTMLInputElement

  static override styles = [
    shared,
    css`
      :host {
        max-width: 1120px;
        margin: 0 auto;
      }
      header {
        margin-bottom: var(--space-4);
      }
      input[type='search'] {
        width: min(260px, 100%);
      }
      .panel {
        overflow: hidden;
      }
      .problem {
        margin-bottom: var(--space-3);
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
      td p {
        max-width: 70ch;
      }
      td:last-child {
        width: 1%;
        white-space: nowrap;
      }
      tbody tr:hover {
        background: var(--sunken);
      }
      dialog form {
        display: grid;
        gap: var(--space-3);
        min-width: min(400px, 80vw);
      }
      .ends {
        justify-content: flex-end;
      }
      @media (max-width: 640px) {
        .changed {
          display: none;
        }
        td,
        th {
          padding: 6px 8px;
        }
      }
    `,
  ]

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Dashboards</h1>
        <span class="grow"></span>
        <input
          type="search"
          aria-label="Find a dashboard"
          placeholder="Find…"
          .value=${this.wanted}
          @input=${(event: Event) => (this.wanted = (event.target as HTMLInputElement).value)}
        />
        ${this.session.author ? this.makers() : nothing}
      </header>
      ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing}
      <div class="panel">${this.body()}</div>
      ${this.dialogs()}
    `
  }

  private makers() {
    return html`
      <input type="file" accept="application/json,.json" aria-label="File of a dashboard" hidden @change=${this.bringIn} />
      <button ?disabled=${this.busy} @click=${() => this.file.click()}>${icon('import')} Import</button>
      <button class="primary" ?disabled=${this.busy} @click=${() => this.creating.showModal()}>
        ${icon('add')} New dashboard
      </button>
    `
  }

  private body() {
    if (!this.listed)
      return html`<div class="state" role="status">
        ${this.failure ? html`<button @click=${() => this.load()}>Try again</button>` : 'Loading dashboards…'}
      </div>`
    const wanted = this.wanted.trim().toLowerCase()
    const shown = this.listed.filter(each =>
      `${each.displayName} ${each.description}`.toLowerCase().includes(wanted),
    )
    if (shown.length === 0)
      return html`<div class="state">
        <strong>${wanted ? `No dashboard holds “${this.wanted}”` : 'No dashboards yet'}</strong>
        ${this.session.author && !wanted ? html`<p>Make one, or import one from a file.</p>` : nothing}
      </div>`
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" class="changed">Changed</th>
          <th scope="col"><span class="hidden-text">Actions</span></th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(each => this.line(each))}
      </tbody>
    </table>`
  }

  private line(dashboard: Dashboard) {
    const { displayName, description, builtIn, updateTime } = dashboard
    const title = displayName || idOf(dashboard)
    const when = new Intl.DateTimeFormat(undefined, {
      dateStyle: 'medium',
      timeStyle: 'short',
      timeZone: this.session.zone,
    })
    return html`<tr>
      <td>
        <a href="/dashboards/${encodeURIComponent(idOf(dashboard))}">${title}</a>
        ${builtIn ? html`<span class="chip">built in</span>` : nothing}
        ${description ? html`<p class="muted small">${description}</p>` : nothing}
      </td>
      <td class="changed muted">${updateTime && !builtIn ? when.format(timestampDate(updateTime)) : '—'}</td>
      <td>
        ${this.session.author ? this.action('copy', `Clone ${title}`, () => this.clone(dashboard)) : nothing}
        ${this.action('export', `Export ${title} as a file`, () => this.takeOut(dashboard))}
        ${this.session.author && !builtIn ? this.action('remove', `Delete ${title}`, () => this.doom(dashboard)) : nothing}
      </td>
    </tr>`
  }

  private action(drawn: 'copy' | 'export' | 'remove', text: string, act: () => unknown) {
    return html`<button class="quiet icon-only" aria-label=${text} title=${text} ?disabled=${this.busy} @click=${act}>
      ${icon(drawn)}
    </button>`
  }

  private dialogs() {
    return html`
      <dialog id="create" aria-labelledby="create-title">
        <form method="dialog" @submit=${this.create}>
          <h2 id="create-title">New dashboard</h2>
          <label class="field">Name <input name="title" required maxlength="100" autocomplete="off" /></label>
          <label class="field">What it is for <textarea name="description" rows="3" maxlength="1000"></textarea></label>
          <div class="row ends">
            <button type="button" @click=${() => this.creating.close()}>Cancel</button>
            <button class="primary">Create</button>
          </div>
        </form>
      </dialog>
      <dialog id="delete" aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.erase}>
          <h2 id="delete-title">Delete “${this.doomed?.displayName || (this.doomed && idOf(this.doomed))}”?</h2>
          <p>Its tiles are gone for everybody. The data stays. Export it first if you may want it back.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.deleting.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private async load() {
    await this.act(async () => {
      const found: Dashboard[] = []
      let pageToken = ''
      do {
        const page = await client.listDashboards({ parent: this.session.project, pageSize: 1000, pageToken })
        found.push(...page.dashboards)
        pageToken = page.nextPageToken
      } while (pageToken)
      this.listed = found
    })
  }

  private create = async (event: SubmitEvent) => {
    const form = event.target as HTMLFormElement
    const fields = new FormData(form)
    const displayName = (fields.get('title') as string).trim()
    const description = (fields.get('description') as string).trim()
    await this.make(create(DashboardSchema, { displayName, description }))
    form.reset()
  }

  private bringIn = async () => {
    const file = this.file.files?.[0]
    this.file.value = ''
    if (file) await this.act(async () => this.make(read(await file.text())))
  }

  /** Makes a dashboard and opens it. */
  private async make(dashboard: Dashboard) {
    await this.act(async () => {
      const request = { parent: this.session.project, dashboard, requestId: crypto.randomUUID() }
      const made = await client.createDashboard(request)
      if (made.dashboard) navigate(`/dashboards/${encodeURIComponent(idOf(made.dashboard))}`)
    })
  }

  private async clone(dashboard: Dashboard) {
    await this.act(async () => {
      await client.cloneDashboard({ name: dashboard.name, requestId: crypto.randomUUID() })
      await this.load()
    })
  }

  private async takeOut({ name }: Dashboard) {
    await this.act(async () => {
      const { dashboard } = await client.getDashboard({ name })
      if (dashboard)
        download(`${idOf(dashboard)}.json`, new Blob([write(dashboard)], { type: 'application/json' }))
    })
  }

  private async doom(dashboard: Dashboard) {
    this.doomed = dashboard
    await this.updateComplete
    this.deleting.showModal()
  }

  private erase = async () => {
    await this.act(async () => {
      await client.deleteDashboard({ name: this.doomed?.name ?? '', etag: this.doomed?.etag ?? '' })
      await this.load()
    })
  }

  /** Does something with the server; what goes wrong is shown. */
  private async act(what: () => Promise<void>) {
    this.busy = true
    this.failure = ''
    try {
      await what()
    } catch (error) {
      this.failure =
        error instanceof Error && error.constructor === Error ? error.message : problem(error).text
    }
    this.busy = false
  }
}
