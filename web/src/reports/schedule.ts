import { clone } from '@bufbuild/protobuf'
import type { Duration } from '@bufbuild/protobuf/wkt'
import { css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { when } from '../common/words'
import { check, length } from '../explorer/controls'
import type { Destination } from '../gen/tidemark/v1/delivery_pb'
import type { TimeRange } from '../gen/tidemark/v1/question_pb'
import { type PreviewScheduleResponse, type Schedule, ScheduleSchema } from '../gen/tidemark/v1/schedule_pb'
import { told } from './model/edition'
import { Page } from '../page/page'
import { deliveries, schedules } from './clients'
import { choice, formatTicks, forms } from './forms'
import { CATCH_UPS, PRESETS, begun } from './model/schedule'
import { recipientsForm } from './recipients'

/** So long after a change the slots are asked for, in milliseconds. */
const PAUSE = 300
const OWN = ''
const ZONES = Intl.supportedValuesOf('timeZone')

/** Edits a schedule of a report in a dialog opened by `show`, with its next slots as they would be. Dispatches `tm-done` when it is saved. */
@customElement('tm-schedule')
export class ScheduleEditor extends Page {
  @property() report = ''
  @property({ attribute: false }) span?: TimeRange
  @state() private draft: Schedule = begun()
  @state() private offered: Destination[] = []
  @state() private slots?: PreviewScheduleResponse
  @state() private refused = ''
  @state() private open = false
  @query('dialog') private dialog!: HTMLDialogElement

  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    ...Page.styles,
    forms,
    css`
      dialog {
        width: min(720px, calc(100vw - 24px));
        max-width: none;
      }
      .slots {
        padding: var(--space-3);
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      .slots ol {
        margin: 4px 0 0;
        padding-left: 20px;
        font-variant-numeric: tabular-nums;
      }
      .cron {
        font-family: var(--mono);
      }
      .recipient {
        display: grid;
        gap: var(--space-2);
        padding: var(--space-3);
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
      }
      .recipient select {
        flex: 1 1 160px;
      }
      summary {
        cursor: pointer;
        color: var(--muted);
        font-size: var(--text-small);
      }
      details > * + * {
        margin-top: var(--space-2);
      }
      .short {
        width: 84px;
      }
      .notice {
        margin: 0;
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
  }

  /** Opens the dialog with a copy of a schedule, or with a new one. */
  async show(schedule?: Schedule) {
    this.draft = schedule ? clone(ScheduleSchema, schedule) : begun()
    this.slots = undefined
    this.refused = this.failure = ''
    this.open = true
    await this.updateComplete
    this.dialog.showModal()
    await this.act(async () => {
      const { destinations } = await deliveries.listDestinations({ parent: this.session.project })
      this.offered = destinations
    })
    await this.look()
  }

  override render() {
    const { draft } = this
    return html`<dialog aria-labelledby="schedule-title" @close=${() => (this.open = false)}>
      ${
        this.open
          ? html`<form @submit=${this.save}>
              <h2 id="schedule-title">${draft.name ? 'Edit the schedule' : 'New schedule'}</h2>
              <label class="field"
                >Name
                <input maxlength="100" autocomplete="off" .value=${draft.displayName} @change=${this.text(value => (draft.displayName = value))} />
              </label>
              ${this.times()}
              <div class="pair">
                ${choice('Of slots that were missed', CATCH_UPS, draft.catchUp, value => this.change(() => (draft.catchUp = value)))}
                ${this.long('But none older than', draft.catchUpWindow, '7', 86_400, value => (draft.catchUpWindow = value))}
                ${this.long('Waits for complete data, at most', draft.waitComplete, 'no', 3_600, value => (draft.waitComplete = value))}
              </div>
              <div class="row">
                ${check('Leave a slot out when there is nothing to tell', draft.skipEmpty, on => this.change(() => (draft.skipEmpty = on)))}
                ${check('Paused', draft.paused, on => this.change(() => (draft.paused = on)))}
              </div>
              ${formatTicks('Files', draft.formats, formats => this.change(() => (draft.formats = formats)))}
              ${recipientsForm(
                { session: this.session, offered: this.offered, formats: draft.formats },
                draft.recipients,
                recipients => this.change(() => (draft.recipients = recipients)),
              )}
              ${this.trouble()}
              <div class="row ends">
                <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
                <button class="primary" ?disabled=${this.busy || !draft.formats.length}>${draft.name ? 'Save' : 'Create'}</button>
              </div>
            </form>`
          : nothing
      }
    </dialog>`
  }

  private times() {
    const { draft } = this
    const presets = [...PRESETS, { value: OWN, title: 'A cron expression' }]
    const known = PRESETS.some(({ value }) => value === draft.cron) ? draft.cron : OWN
    const set = (cron: string) => this.timed(() => cron && (draft.cron = cron))
    return html`
      <div class="pair">
        ${choice('When', presets, known, set)}
        <label class="field"
          >Minute, hour, day, month, weekday
          <input class="cron" required spellcheck="false" .value=${draft.cron} @input=${(event: Event) => this.timed(() => (draft.cron = read(event)))} />
        </label>
        <label class="field"
          >Time zone
          <input
            list="zones"
            spellcheck="false"
            placeholder="the report’s"
            .value=${draft.timeZone}
            @change=${(event: Event) => this.timed(() => (draft.timeZone = read(event)))}
          />
        </label>
      </div>
      <datalist id="zones">${ZONES.map(each => html`<option value=${each}></option>`)}</datalist>
      ${this.coming()}
    `
  }

  private coming() {
    const { slots, refused } = this
    if (refused) return html`<p class="notice" role="status">${refused}</p>`
    if (!slots) return html`<p class="muted small" role="status">Looking for the next slots…</p>`
    const zone = this.draft.timeZone || this.session.zone
    return html`<div class="slots" role="status">
      <p><strong>${slots.words}</strong>, next:</p>
      <ol>
        ${slots.slots.map(
          ({ slotTime, timeRange }) =>
            html`<li>
              ${when(slotTime, zone)}
              ${timeRange ? html`<span class="muted">tells of ${told(timeRange, zone)}</span>` : nothing}
            </li>`,
        )}
      </ol>
    </div>`
  }

  private long(
    label: string,
    value: Duration | undefined,
    usual: string,
    unit: number,
    set: (value: Duration | undefined) => void,
  ) {
    return html`<div class="field">
      <h3>${label}</h3>
      <span class="row">${length(label, value, { usual, unit }, value => this.change(() => set(value)))}</span>
    </div>`
  }

  private text(set: (value: string) => void) {
    return (event: Event) => this.change(() => set(read(event)))
  }

  private change(how: () => unknown) {
    how()
    this.requestUpdate()
  }

  /** Something about its times is another: its slots are asked for soon. */
  private timed(how: () => unknown) {
    this.change(how)
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.look(), PAUSE)
  }

  private async look() {
    const { draft, span: timeRange } = this
    const { cron, timeZone } = draft
    const { failure } = this
    const well = await this.read(
      () => schedules.previewSchedule({ parent: this.session.project, cron, timeZone, timeRange }),
      found => (this.slots = found),
    )
    // What is wrong with the times stands where the slots would.
    this.refused = well ? '' : this.failure
    this.failure = failure
  }

  private save = async (event: SubmitEvent) => {
    event.preventDefault()
    const schedule = clone(ScheduleSchema, this.draft)
    const saved = await this.act(() =>
      schedule.name
        ? schedules.updateSchedule({ schedule })
        : schedules.createSchedule({ parent: this.report, schedule, requestId: crypto.randomUUID() }),
    )
    if (!saved) return
    this.dialog.close()
    this.dispatchEvent(new CustomEvent('tm-done'))
  }
}

function read(event: Event): string {
  return (event.target as HTMLInputElement).value.trim()
}
