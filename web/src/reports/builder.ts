import { clone, create } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import { idOf, when } from '../common/words'
import { check } from '../explorer/controls'
import {
  type Report,
  type ReportFault,
  ReportSchema,
  type ReportTemplate,
  type TemplateUse,
  TemplateUseSchema,
} from '../gen/tidemark/v1/report_pb'
import { type History, begun, done, redone, undone } from '../model/history'
import { Page } from '../page/page'
import { reports } from './clients'
import { forms, wrong } from './forms'
import { blank, changed, same } from './model/report'
import { nameOf, wanting } from './model/template'
import './outline'
import { parametersForm } from './parameters'
import './preview'
import './settings'

/** So long after a change a report is looked at for faults, in milliseconds. */
const PAUSE = 500

/** Builds a report, step by step, with undo, until it is saved: what holds for all of it, its sections or the parameters of its template,
 * what is wrong with each field, and beside it the report as it would be now. */
@customElement('tm-report-builder')
export class Builder extends Page {
  @state() private history?: History<Report>
  @state() private saved: Report = create(ReportSchema)
  @state() private template?: ReportTemplate
  @state() private faults: ReportFault[] = []
  @state() private opened = ''
  @state() private only = false
  @state() private theirs?: Report
  @query('#conflict') private conflict!: HTMLDialogElement

  private timer?: ReturnType<typeof setTimeout>
  private asking?: AbortController

  static override styles = [
    ...Page.styles,
    forms,
    css`
      .columns {
        display: grid;
        grid-template-columns: minmax(340px, 460px) minmax(0, 1fr);
        gap: var(--space-4);
        align-items: start;
      }
      .columns > * {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-3);
        min-width: 0;
      }
      .panel {
        overflow: visible;
        margin: 0;
      }
      .inner {
        display: grid;
        gap: var(--space-3);
        padding: var(--space-4);
      }
      .bar {
        position: sticky;
        z-index: 10;
        top: 56px;
        margin-bottom: var(--space-3);
        padding: 6px var(--space-2) 6px var(--space-3);
        border-color: var(--accent);
        box-shadow: var(--shadow-raised);
      }
      .shown {
        position: sticky;
        top: 114px;
        grid-template-rows: auto minmax(0, 1fr);
        height: calc(100vh - 132px);
        padding: var(--space-4);
      }
      .parameter p {
        margin-top: 4px;
      }
      @media (max-width: 1100px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
        .shown {
          position: static;
          height: 80vh;
        }
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    addEventListener('beforeunload', this.warn)
    document.addEventListener('keydown', this.key)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    removeEventListener('beforeunload', this.warn)
    document.removeEventListener('keydown', this.key)
    clearTimeout(this.timer)
    this.asking?.abort()
  }

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.history = undefined
    this.faults = []
    void this.load()
  }

  override render() {
    const { history, name } = this
    const back = name ? `/reports/all/${encodeURIComponent(name)}` : '/reports'
    const title = history?.present.displayName || (name ? name : 'New report')
    if (!this.session.author)
      return html`<header class="row"><h1>Builder</h1></header>
        <div class="panel">${this.empty(true, 'Your key may read reports only', 'Somebody who may write can build one.')}</div>`
    return html`
      <header class="row"><h1><a href="/reports">Reports</a> · ${title}</h1></header>
      ${this.trouble()}
      ${
        history
          ? html`${this.bar(history, back)}
              <div class="columns">
                <div>${this.form(history.present)}</div>
                ${this.shown(history.present)}
              </div>`
          : html`<div class="panel">${this.empty(false, '')}</div>`
      }
      ${this.dialog()}
    `
  }

  private bar({ past, future }: History<Report>, back: string) {
    const { length } = this.faults
    return html`<div class="row panel bar" role="toolbar" aria-label="Editing">
      <button class="quiet icon-only" aria-label="Undo" title="Undo (Ctrl+Z)" ?disabled=${!past.length} @click=${() => this.step(undone)}>
        ${icon('undo')}
      </button>
      <button class="quiet icon-only" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" ?disabled=${!future.length} @click=${() => this.step(redone)}>
        ${icon('redo')}
      </button>
      <span class="grow small ${length ? 'bad-text' : 'muted'}" role="status">
        ${length ? (length === 1 ? 'One thing is wrong.' : `${length} things are wrong.`) : ''}
      </span>
      <a class="button" href=${back}>${this.dirty ? 'Discard' : 'Cancel'}</a>
      <button class="primary" ?disabled=${this.busy || (!this.dirty && !!this.name)} @click=${() => this.save()}>${icon('save')} Save</button>
    </div>`
  }

  private form(report: Report) {
    const { session, faults } = this
    return html`
      <section class="panel inner" aria-label="The report">
        <tm-report-settings
          .session=${session}
          .report=${report}
          .faults=${faults}
          @change=${(event: CustomEvent<Report>) => this.change(event.detail)}
        ></tm-report-settings>
      </section>
      ${report.template ? this.parameters(report, report.template) : this.sections(report)}
    `
  }

  private sections(report: Report) {
    return html`<section class="panel" aria-label="Sections">
      <tm-report-outline
        .session=${this.session}
        .report=${report}
        .faults=${this.faults}
        .zone=${report.timeZone || this.session.zone}
        @change=${(event: CustomEvent<Report>) => this.change(event.detail)}
        @tm-section=${(event: CustomEvent<string>) => (this.opened = event.detail)}
      ></tm-report-outline>
      ${wrong(
        this.faults.filter(({ field }) => field === 'report.sections' || field === 'report'),
        'report',
      )}
    </section>`
  }

  private parameters(report: Report, use: TemplateUse) {
    const { template, faults } = this
    const made = faults.filter(({ field }) => field.startsWith('sections'))
    return html`<section class="panel inner" aria-label="The template">
      <div class="row">
        <h2 class="grow">${template?.displayName || idOf(use.name)}</h2>
        <span class="chip">version ${use.version || template?.version || 1}</span>
      </div>
      ${template?.description ? html`<p class="muted small">${template.description}</p>` : nothing}
      ${template ? parametersForm(this.session, template, use, faults, template => this.change(changed(report, { template }))) : nothing}
      ${wrong(
        faults.filter(({ field }) => !field.startsWith('report.template.values.')),
        'report.template',
      )}
      ${made.map(({ field, message }) => html`<p class="wrong"><code>${field}</code>: ${message}</p>`)}
      <div class="row">
        <button ?disabled=${this.busy || this.wanting(use).length > 0} @click=${() => this.own(use)}>${icon('edit')} Make its sections my own</button>
      </div>
    </section>`
  }

  private shown(report: Report) {
    const { opened, only } = this
    const wanted = report.template ? this.wanting(report.template) : []
    return html`<section class="panel shown" aria-label="Preview">
      <div class="row">
        <h2 class="grow">Preview</h2>
        ${report.template || !opened ? nothing : check('Only the open section', only, on => (this.only = on))}
      </div>
      ${
        wanted.length
          ? html`<div class="state"><p>Choose first: ${wanted.map(nameOf).join(', ')}.</p></div>`
          : html`<tm-report-preview
              .session=${this.session}
              .report=${named(report)}
              .section=${only && !report.template ? opened : ''}
            ></tm-report-preview>`
      }
    </section>`
  }

  private dialog() {
    return html`<dialog id="conflict" aria-labelledby="conflict-title">
      <h2 id="conflict-title">Somebody else has saved this report</h2>
      <p class="muted">At ${when(this.theirs?.updateTime, this.session.zone)}, while you were changing it.</p>
      <div class="row ends">
        <button @click=${() => this.conflict.close()}>Go on editing</button>
        <button @click=${() => this.settle('theirs')}>Take theirs, lose mine</button>
        <button class="danger" @click=${() => this.settle('mine')}>Save mine over theirs</button>
      </div>
    </dialog>`
  }

  private get dirty(): boolean {
    return !!this.history && !same(this.history.present, this.saved)
  }

  private wanting(use: TemplateUse) {
    return this.template ? wanting(this.template, use) : []
  }

  /** Makes a step. What was typed in one go is one step. */
  private change(next: Report) {
    const { history } = this
    if (!history) return
    const before = history.past.at(-1)
    const typed = before && renamed(before, history.present) && renamed(history.present, next)
    this.history = typed ? { ...history, present: next } : done(history, next)
    this.judgeSoon()
  }

  private step(how: (history: History<Report>) => History<Report>) {
    if (!this.history) return
    this.history = how(this.history)
    this.judgeSoon()
  }

  private judgeSoon() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.judge(), PAUSE)
  }

  private async judge() {
    const { history } = this
    if (!history) return
    this.asking?.abort()
    const asking = (this.asking = new AbortController())
    const request = { parent: this.session.project, report: clone(ReportSchema, history.present) }
    try {
      const { faults } = await reports.validateReport(request, { signal: asking.signal })
      this.faults = faults
    } catch {
      // What keeps it from being judged keeps it from being previewed, which says why.
    }
  }

  private save = async (etag = this.saved.etag) => {
    const { history, session, name } = this
    if (!history) return
    clearTimeout(this.timer)
    let behind = false
    const saved = await this.act(async () => {
      const report = clone(ReportSchema, changed(history.present, { etag }))
      try {
        const { report: made } = name
          ? await reports.updateReport({ report })
          : await reports.createReport({ parent: session.project, report, requestId: crypto.randomUUID() })
        this.begin(made!)
      } catch (error) {
        behind = ConnectError.from(error).code === Code.Aborted
        if (!behind) throw error
        this.theirs = (await reports.getReport({ name: report.name })).report
      }
    })
    if (behind && this.theirs) this.conflict.showModal()
    else if (saved) navigate(`/reports/all/${idOf(this.saved.name)}`)
    else await this.judge()
  }

  private settle(whose: 'theirs' | 'mine') {
    this.conflict.close()
    if (whose === 'mine') void this.save(this.theirs?.etag)
    else if (this.theirs) this.begin(this.theirs)
  }

  /** Gives the report the sections that its template makes, to go on from. */
  private own = (use: TemplateUse) =>
    this.act(async () => {
      const { name, version, values } = use
      const { sections } = await reports.expandReportTemplate({
        name,
        version,
        values,
        project: this.session.project,
      })
      if (this.history) this.change(changed(this.history.present, { sections, template: undefined }))
    })

  private begin(report: Report) {
    this.saved = report
    this.history = begun(report)
  }

  private async load() {
    const { project } = this.session
    const asked = new URLSearchParams(location.search).get('template') ?? ''
    await this.read(
      async () => {
        const report = this.name
          ? (await reports.getReport({ name: `${project}/reports/${this.name}` })).report!
          : asked
            ? create(ReportSchema, { template: create(TemplateUseSchema, { name: asked }) })
            : blank()
        const { name = '', version = 0 } = report.template ?? {}
        const template = name
          ? (await reports.getReportTemplate({ name, version })).reportTemplate
          : undefined
        return { report, template }
      },
      ({ report, template }) => {
        if (!this.name && template)
          report = changed(report, {
            displayName: template.displayName,
            template: create(TemplateUseSchema, { name: template.name, version: template.version }),
          })
        this.template = template
        this.begin(report)
      },
    )
    if (this.name) await this.judge()
  }

  private warn = (event: BeforeUnloadEvent) => {
    if (this.dirty) event.preventDefault()
  }

  private key = (event: KeyboardEvent) => {
    const [target] = event.composedPath()
    const typing = target instanceof HTMLElement && /^(input|textarea|select)$/.test(target.localName)
    if (typing || !(event.ctrlKey || event.metaKey)) return
    const pressed = event.key.toLowerCase()
    if (pressed === 'z' && !event.shiftKey) this.step(undone)
    else if (pressed === 'y' || pressed === 'z') this.step(redone)
    else return
    event.preventDefault()
  }
}

/** Whether nothing but the title is another. */
function renamed(one: Report, other: Report): boolean {
  return one.displayName !== other.displayName && same(one, changed(other, { displayName: one.displayName }))
}

/** The report with a title, which a preview cannot do without. */
function named(report: Report): Report {
  return report.displayName ? report : changed(report, { displayName: 'Report' })
}
