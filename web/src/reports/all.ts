import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import { idOf, when } from '../common/words'
import type { Edition, Run } from '../gen/tidemark/v1/edition_pb'
import type { Report, ReportTemplate } from '../gen/tidemark/v1/report_pb'
import type { Schedule } from '../gen/tidemark/v1/schedule_pb'
import { Page } from '../page/page'
import { editions, reports, schedules } from './clients'
import { STATES, newest } from './model/edition'
import { nextOf } from './model/schedule'

/** All reports: what was made of each last, when it is made next, and how its last run stands. A new one begins blank or with a template. */
@customElement('tm-all-reports')
export class AllReports extends Page {
  @state() private reports?: Report[]
  @state() private editions = new Map<string, Edition>()
  @state() private runs = new Map<string, Run>()
  @state() private next = new Map<string, Schedule>()
  @state() private templates?: ReportTemplate[]
  @state() private more = ''
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    css`
      dialog {
        width: min(720px, calc(100vw - 24px));
        max-width: none;
      }
      .offered {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(200px, 1fr));
        gap: var(--space-3);
        margin: var(--space-3) 0 var(--space-4);
        padding: 0;
        list-style: none;
      }
      .offered a {
        display: grid;
        align-content: start;
        gap: 4px;
        height: 100%;
        padding: var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
        color: var(--text);
        text-decoration: none;
      }
      .offered a:hover {
        border-color: var(--accent);
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Reports</h1>
        <span class="grow"></span>
        ${this.session.author ? html`<button class="primary" @click=${this.ask}>${icon('add')} New report</button>` : nothing}
        <p class="muted">
          Each is made of sections, and every edition of it is kept with a manifest: what it was made from, and the totals that all its files
          agree with.
        </p>
      </header>
      ${this.trouble()} ${this.sheet('Reports', this.body())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
      ${this.choice()}
    `
  }

  private body() {
    const { reports: listed } = this
    if (!listed?.length)
      return this.empty(
        listed !== undefined,
        'No reports yet',
        this.session.author
          ? 'Make one of a template: it takes a minute.'
          : 'Somebody who may write can make one.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Report</th>
          <th scope="col">Last edition</th>
          <th scope="col">Next</th>
          <th scope="col">Last run</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        ${listed.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row({ name, displayName, description, updateTime }: Report) {
    const { zone } = this.session
    const edition = this.editions.get(name)
    const run = this.runs.get(name)
    const { title = '', tone = '' } = STATES.find(({ value }) => value === run?.state) ?? {}
    return html`<tr>
      <td class="text">
        <a href="/reports/all/${idOf(name)}">${displayName || idOf(name)}</a>
        ${description ? html`<p class="muted small">${description}</p>` : nothing}
      </td>
      <td>${when(edition?.createTime, zone)}</td>
      <td>${when(this.next.get(name)?.nextTime, zone)}</td>
      <td>
        ${run ? html`<span class="chip ${tone}">${title}</span>` : html`<span class="muted">not run yet</span>`}
        ${run && tone === 'bad' ? html`<div class="small bad-text">${run.reason}</div>` : nothing}
      </td>
      <td class="muted">${when(updateTime, zone)}</td>
    </tr>`
  }

  private choice() {
    const offered = this.templates ?? []
    return html`<dialog aria-labelledby="new-title">
      <h2 id="new-title">New report</h2>
      <ul class="offered" @click=${() => this.dialog.close()}>
        <li>
          <a href="/reports/builder"><strong>Blank</strong><span class="muted small">Sections of your own, one after the other</span></a>
        </li>
        ${offered.map(
          ({ name, displayName, description, builtIn }) =>
            html`<li>
              <a href="/reports/builder?template=${encodeURIComponent(name)}"
                ><strong>${displayName || idOf(name)}</strong>${builtIn ? nothing : html`<span class="chip">your own</span>`}
                <span class="muted small">${description}</span></a
              >
            </li>`,
        )}
      </ul>
      ${this.templates ? nothing : html`<p class="muted" role="status">Loading templates…</p>`}
      <div class="row ends"><button @click=${() => this.dialog.close()}>Cancel</button></div>
    </dialog>`
  }

  private ask = async () => {
    this.dialog.showModal()
    if (this.templates) return
    const asked = await this.act(async () => {
      const { reportTemplates } = await reports.listReportTemplates({ parent: this.session.project })
      this.templates = reportTemplates
    })
    if (!asked) navigate('/reports/builder')
  }

  private async load(pageToken = '') {
    const { project: parent } = this.session
    const every = `${parent}/reports/-`
    await this.read(
      () =>
        Promise.all([
          reports.listReports({ parent, pageSize: 200, pageToken }),
          editions.listEditions({ parent: every, pageSize: 1000 }),
          editions.listRuns({ parent: every, pageSize: 1000 }),
          schedules.listSchedules({ parent: every, pageSize: 1000 }),
        ]),
      ([page, made, run, planned]) => {
        this.reports = pageToken ? [...(this.reports ?? []), ...page.reports] : page.reports
        this.more = page.nextPageToken
        this.editions = newest(made.editions)
        this.runs = newest(run.runs)
        this.next = nextOf(planned.schedules)
      },
    )
  }
}
