import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import type { Operation } from '../gen/google/longrunning/operations_pb'
import type { Edition } from '../gen/tidemark/v1/edition_pb'
import type { Report } from '../gen/tidemark/v1/report_pb'
import { bytes } from '../model/format'
import { words } from '../model/range'
import { Page } from '../page/page'
import { Following } from '../common/following'
import { bar } from '../common/progress'
import { idOf, when } from '../common/words'
import { editions, reports } from './clients'
import './deliveries'
import './edition'
import { FORMATS, repeated, told } from './model/edition'
import './run'
import type { RunForm } from './run'
import './runs'
import './schedules'
import { fetched } from './file'

/** One report: its editions, one of them with its proof, what is under way, its schedules, its runs, and where its editions went. */
@customElement('tm-report')
export class ReportPage extends Page {
  @state() private report?: Report
  @state() private editions?: Edition[]
  /** The edition looked at, with all that lists leave out. */
  @state() private shown?: Edition
  @state() private more = ''
  /** Counts what has begun and ended, so that lists below are read anew. */
  @state() private round = 0
  @state() private wanted = ''
  @query('tm-run') private form!: RunForm
  @query('dialog') private dialog!: HTMLDialogElement

  private readonly work: Following = new Following(
    this,
    what => this.act(what),
    last => void this.arrived(last),
  )

  static override styles = [
    ...Page.styles,
    css`
      .work {
        display: grid;
        gap: var(--space-2);
        padding: var(--space-3) var(--space-4);
      }
      .work .problem {
        margin: 0;
      }
      progress {
        flex: 1 1 200px;
        accent-color: var(--accent);
      }
      tm-edition,
      tm-schedules,
      tm-runs,
      tm-deliveries {
        margin-top: var(--space-4);
      }
      tr.shown {
        background: var(--accent-soft);
      }
      .files {
        flex-wrap: nowrap;
        gap: 4px;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.report = this.editions = this.shown = undefined
    void this.load()
  }

  override render() {
    const { report, session, shown, work } = this
    const title = report?.displayName || this.name
    const name = `${session.project}/reports/${this.name}`
    const failure = work.now?.failure
    return html`
      <header class="row">
        <h1><a href="/reports">Reports</a> · ${title}</h1>
        <span class="grow"></span>
        ${session.author && report ? this.actions() : nothing}
        ${report ? html`<p class="muted">${report.description} ${this.facts(report)}</p>` : nothing}
      </header>
      ${this.trouble()}
      ${
        work.working || failure
          ? html`<section class="panel work" aria-label="The edition that is being made">
              ${failure ? html`<p class="problem" role="alert">No edition was made: ${failure}</p>` : nothing}
              ${work.working ? bar('How far the edition is', work, session.author) : nothing}
            </section>`
          : nothing
      }
      ${this.sheet('Editions', this.table())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.list(this.more)}>Show more</button>` : nothing}
      ${
        shown
          ? html`<tm-edition
              .session=${session}
              .edition=${shown}
              @tm-work=${this.begun}
            ></tm-edition>`
          : nothing
      }
      ${
        report
          ? html`<tm-schedules .session=${session} .report=${name} .span=${report.timeRange} .round=${this.round}></tm-schedules>
              <tm-runs .session=${session} .report=${name} .round=${this.round} @tm-work=${this.begun}></tm-runs>
              <tm-deliveries .session=${session} .of=${name} .round=${this.round}></tm-deliveries>
              <tm-run .session=${session} .report=${report} @tm-work=${this.begun}></tm-run>`
          : nothing
      }
      <dialog aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.forget}>
          <h2 id="delete-title">Delete “${title}”?</h2>
          <p>Its schedules go with it. Its editions stay for as long as they are kept.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private actions() {
    return html`
      <button class="quiet danger" @click=${() => this.dialog.showModal()}>Delete…</button>
      <button ?disabled=${this.busy} @click=${this.double}>${icon('copy')} Clone</button>
      <a class="button" href="/reports/builder/${this.name}">${icon('edit')} Edit</a>
      <button class="primary" ?disabled=${this.work.working} @click=${() => this.form.show()}>${icon('play')} Run…</button>
    `
  }

  private facts({ timeRange, timeZone, template, version, sections }: Report) {
    const zone = timeZone || this.session.zone
    const span = timeRange ? words(timeRange, zone) : 'The 7 days before today'
    const made = template
      ? `made by the template ${idOf(template.name)}, version ${template.version}`
      : `${sections.length} ${sections.length === 1 ? 'section' : 'sections'}`
    return `${span}, ${zone}; ${made}; version ${version}.`
  }

  private table() {
    const { editions: listed } = this
    if (!listed?.length)
      return this.empty(
        listed !== undefined,
        'No editions yet',
        this.session.author ? 'Run it, or give it a schedule.' : '',
      )
    return html`<table>
      <caption>Editions</caption>
      <thead>
        <tr>
          <th scope="col">Edition</th>
          <th scope="col">Tells of</th>
          <th scope="col">Figures</th>
          <th scope="col">Files</th>
        </tr>
      </thead>
      <tbody>
        ${listed.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(edition: Edition) {
    const { zone } = this.session
    const { name, createTime, manifest } = edition
    const here = name === this.shown?.name
    const again = repeated(edition)
    return html`<tr class=${here ? 'shown' : ''}>
      <td>
        <button class="quiet" aria-pressed=${here ? 'true' : 'false'} @click=${() => this.show(name)}>${when(createTime, zone)}</button>
      </td>
      <td>${told(manifest?.timeRange, manifest?.timeZone || zone)}</td>
      <td>${again ? html`<span class="chip ${again.tone}">${again.title}</span>` : html`<span class="chip good">proven</span>`}</td>
      <td>
        <div class="row files">
          ${manifest?.files.map(file => {
            const { title = 'File' } = FORMATS.find(({ value }) => value === file.format) ?? {}
            return html`<button
              ?disabled=${this.busy}
              title="${file.fileName}, ${bytes(Number(file.sizeBytes))}"
              aria-label="Download the edition of ${when(createTime, zone)} as ${title}"
              @click=${() => this.act(() => fetched(name, file))}
            >
              ${title}
            </button>`
          })}
        </div>
      </td>
    </tr>`
  }

  private show(name: string) {
    this.wanted = name
    return this.act(async () => {
      const { edition } = await editions.getEdition({ name })
      if (this.wanted === name) this.shown = edition
    })
  }

  private begun = (event: CustomEvent<Operation>) => {
    this.work.take(event.detail)
    this.round++
  }

  /** Something that was followed has ended: what it made is shown. */
  private async arrived({ result }: Operation) {
    this.round++
    if (result.case === 'error') return
    await this.list()
    const [first] = this.editions ?? []
    if (first) await this.show(first.name)
  }

  private double = () =>
    this.act(async () => {
      const { report } = await reports.cloneReport({
        name: this.report!.name,
        requestId: crypto.randomUUID(),
      })
      navigate(`/reports/all/${idOf(report!.name)}`)
    })

  private forget = async () => {
    if (await this.act(() => reports.deleteReport({ name: this.report!.name }))) navigate('/reports')
  }

  private async list(pageToken = '') {
    const parent = `${this.session.project}/reports/${this.name}`
    await this.act(async () => {
      const page = await editions.listEditions({ parent, pageSize: 20, pageToken })
      this.editions = pageToken ? [...(this.editions ?? []), ...page.editions] : page.editions
      this.more = page.nextPageToken
    })
  }

  private async load() {
    const name = `${this.session.project}/reports/${this.name}`
    const read = await this.read(
      () => Promise.all([reports.getReport({ name }), editions.listEditions({ parent: name, pageSize: 20 })]),
      ([{ report }, page]) => {
        this.report = report
        this.editions = page.editions
        this.more = page.nextPageToken
      },
    )
    if (!read) return
    await this.work.find(name)
    const [first] = this.editions ?? []
    if (first) await this.show(first.name)
  }
}
