import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { idOf } from '../common/words'
import type { TimeRange } from '../gen/tidemark/v1/question_pb'
import type { Schedule } from '../gen/tidemark/v1/schedule_pb'
import { Page } from '../page/page'
import { schedules } from './clients'
import { formatsOf, reportOf } from './model/edition'
import { presetOf, standing, turned } from './model/schedule'
import './schedule'
import type { ScheduleEditor } from './schedule'

/** Schedules of a report, or of all: when each runs next, what it makes and for whom; those who may change them can. */
@customElement('tm-schedules')
export class Schedules extends Page {
  /** The report; with `-` as its last part, all of them. */
  @property() report = ''
  /** The time that the report tells of, to see what each slot would. */
  @property({ attribute: false }) span?: TimeRange
  /** Read anew when it changes. */
  @property({ attribute: false }) round = 0
  @state() private schedules?: Schedule[]
  @state() private more = ''
  @state() private leaving?: Schedule
  @query('tm-schedule') private editor!: ScheduleEditor
  @query('dialog') private dialog!: HTMLDialogElement

  static override styles = [
    ...Page.styles,
    css`
      h2 {
        font-size: var(--text-large);
      }
      .actions {
        flex-wrap: nowrap;
        justify-content: flex-end;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (['session', 'report', 'round'].some(each => changed.has(each))) void this.load()
  }

  private get every(): boolean {
    return this.report.endsWith('/-')
  }

  override render() {
    const { session, every, leaving } = this
    return html`
      <header class="row">
        ${every ? html`<h1>Schedules</h1>` : html`<h2>Schedules</h2>`}
        <span class="grow"></span>
        ${
          session.author && !every
            ? html`<button @click=${() => this.editor.show()}>${icon('add')} New schedule</button>`
            : nothing
        }
        ${every ? html`<p class="muted">When reports are made by the clock. Every slot is run once, whatever happens to servers meanwhile.</p>` : nothing}
      </header>
      ${this.trouble()} ${this.sheet('Schedules', this.body())}
      ${this.more ? html`<button ?disabled=${this.busy} @click=${() => this.load(this.more)}>Show more</button>` : nothing}
      <tm-schedule .session=${session} .report=${this.report} .span=${this.span} @tm-done=${() => this.load()}></tm-schedule>
      <dialog aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.forget}>
          <h2 id="delete-title">Delete the schedule “${leaving && (leaving.displayName || idOf(leaving.name))}”?</h2>
          <p>Runs that have begun go on. Editions stay.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private body() {
    const { schedules: listed, every } = this
    if (!listed?.length)
      return this.empty(
        listed !== undefined,
        'No schedules yet',
        every ? 'A report has its schedules on its own page.' : 'It is made when somebody asks for it.',
      )
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Schedule</th>
          ${every ? html`<th scope="col">Report</th>` : nothing}
          <th scope="col">When</th>
          <th scope="col">Next</th>
          <th scope="col">Files</th>
          <th scope="col">Goes to</th>
          ${this.session.author ? html`<th scope="col"><span class="hidden-text">Actions</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${listed.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row(schedule: Schedule) {
    const title = schedule.displayName || idOf(schedule.name)
    const { title: next, tone } = standing(schedule, this.session.zone)
    const report = idOf(reportOf(schedule.name))
    const people = schedule.recipients.map(({ destination }) => idOf(destination)).join(', ')
    return html`<tr>
      <td class="text">${title}</td>
      ${this.every ? html`<td class="text"><a href="/reports/all/${report}">${report}</a></td>` : nothing}
      <td class="text">
        ${presetOf(schedule.cron)}
        <div class="small muted">${schedule.timeZone || 'zone of the report'}</div>
      </td>
      <td><span class="chip ${tone}">${next}</span></td>
      <td>${formatsOf(schedule.formats)}</td>
      <td class="text">${people || html`<span class="muted">nobody: it is kept</span>`}</td>
      ${this.session.author ? html`<td>${this.actions(schedule, title)}</td>` : nothing}
    </tr>`
  }

  private actions(schedule: Schedule, title: string) {
    const pause = schedule.paused ? 'Go on' : 'Pause'
    return html`<div class="row actions">
      <button ?disabled=${this.busy} aria-label="${pause} ${title}" @click=${() => this.change(schedule)}>${pause}</button>
      <button class="quiet icon-only" aria-label="Edit ${title}" title="Edit" @click=${() => this.editor.show(schedule)}>${icon('edit')}</button>
      <button class="quiet icon-only" aria-label="Delete ${title}" title="Delete" @click=${() => this.ask(schedule)}>${icon('remove')}</button>
    </div>`
  }

  private async change(schedule: Schedule) {
    await this.act(async () => {
      const { schedule: made } = await schedules.updateSchedule({ schedule: turned(schedule) })
      this.schedules = this.schedules?.map(each => (each.name === made!.name ? made! : each))
    })
  }

  private ask(schedule: Schedule) {
    this.leaving = schedule
    this.dialog.showModal()
  }

  private forget = async () => {
    const { leaving } = this
    if (leaving && (await this.act(() => schedules.deleteSchedule({ name: leaving.name })))) await this.load()
  }

  private async load(pageToken = '') {
    const { report: parent } = this
    await this.read(
      () => schedules.listSchedules({ parent, pageSize: 100, pageToken }),
      ({ schedules: listed, nextPageToken }) => {
        this.schedules = pageToken ? [...(this.schedules ?? []), ...listed] : listed
        this.more = nextPageToken
      },
    )
  }
}
