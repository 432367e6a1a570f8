import { type JsonValue, clone, create, fromJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { navigate } from '../app/router'
import { idOf } from '../common/words'
import { select } from '../explorer/controls'
import {
  type ReportTemplate,
  ReportTemplateSchema,
  type Section,
  type TemplateParameter,
  TemplateParameterSchema,
  type TemplateUse,
  TemplateUseSchema,
} from '../gen/tidemark/v1/report_pb'
import { Page } from '../page/page'
import { reports } from './clients'
import { forms } from './forms'
import { kindOf, titleOf } from './model/report'
import { KINDS, begun, lineOf, nameOf, shown, usual, wanting, written } from './model/template'
import { parametersForm } from './parameters'

/** Stands for a template that is not made yet, where its id would be. */
export const NEW = 'new'
/** Names a template that has no name yet where one has to be named. */
const DRAFT = 'projects/-/reportTemplates/draft'
/** So long after a change the sections are asked for, in milliseconds. */
const PAUSE = 500
const MOST = 30

/** One template: its parameters and its source, and beside it the sections that it makes with the values chosen. */
@customElement('tm-report-template')
export class Template extends Page {
  @state() private draft?: ReportTemplate
  @state() private use: TemplateUse = create(TemplateUseSchema)
  @state() private sections?: Section[]
  @state() private refused = ''
  @state() private saved = ''
  @query('dialog') private dialog!: HTMLDialogElement
  @query('#source') private source?: HTMLTextAreaElement

  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    ...Page.styles,
    forms,
    css`
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 3fr) minmax(280px, 2fr);
        gap: var(--space-4);
        align-items: start;
      }
      .inner {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-3);
        overflow: visible;
        padding: var(--space-4);
      }
      textarea.code {
        min-height: 420px;
        tab-size: 2;
        white-space: pre;
      }
      .asked {
        display: grid;
        grid-template-columns: minmax(90px, 1fr) minmax(90px, 1.4fr) auto minmax(80px, 1fr) auto;
        gap: 6px;
        align-items: center;
      }
      ol {
        display: grid;
        gap: var(--space-2);
        margin: 0;
        padding-left: 22px;
      }
      .notice {
        margin: 0;
      }
      @media (max-width: 1100px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
      }
      @media (max-width: 560px) {
        .asked {
          grid-template-columns: 1fr 1fr;
          padding-bottom: var(--space-2);
          border-bottom: 1px solid var(--line);
        }
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    clearTimeout(this.timer)
  }

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('session') && !changed.has('name')) return
    this.draft = this.sections = undefined
    this.use = create(TemplateUseSchema)
    this.saved = this.refused = ''
    void this.load()
  }

  private get changeable(): boolean {
    return this.session.author && !this.draft?.builtIn
  }

  override render() {
    const { draft, session } = this
    const title = draft?.name ? draft.displayName : this.name === NEW ? 'new' : this.name
    return html`
      <header class="row">
        <h1><a href="/reports/templates">Templates</a> · ${title}</h1>
        ${draft?.builtIn ? html`<span class="chip">built in</span>` : nothing}
        ${draft?.version ? html`<span class="chip">version ${draft.version}</span>` : nothing}
        <span class="grow"></span>
        ${
          draft?.name && session.author
            ? html`${draft.builtIn ? nothing : html`<button class="quiet danger" @click=${() => this.dialog.showModal()}>Delete…</button>`}
                <button ?disabled=${this.busy} @click=${this.double}>${icon('copy')} Make one like it</button>
                <a class="button primary" href="/reports/builder?template=${encodeURIComponent(draft.name)}">${icon('add')} New report</a>`
            : nothing
        }
        ${draft?.builtIn && draft.description ? html`<p class="muted">${draft.description}</p>` : nothing}
      </header>
      ${this.trouble()}
      ${
        draft
          ? html`<div class="columns">${this.form(draft)} ${this.made(draft)}</div>`
          : html`<div class="panel">${this.empty(false, '')}</div>`
      }
      <dialog aria-labelledby="delete-title">
        <form method="dialog" @submit=${this.forget}>
          <h2 id="delete-title">Delete the template “${title}”?</h2>
          <p>That is done only where no report names it.</p>
          <div class="row ends">
            <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
            <button class="danger">Delete</button>
          </div>
        </form>
      </dialog>
    `
  }

  private form(draft: ReportTemplate) {
    const { changeable } = this
    const write = (field: 'displayName' | 'description' | 'source') => (event: Event) =>
      this.change({ [field]: (event.target as HTMLInputElement).value })
    const line = lineOf(this.refused)
    return html`<form class="panel inner" aria-label="The template" @submit=${this.save}>
      ${
        changeable
          ? html`<label class="field">Name <input required maxlength="100" autocomplete="off" .value=${draft.displayName} @input=${write('displayName')} /></label>
              <label class="field">What it is for <input maxlength="1000" .value=${draft.description} @input=${write('description')} /></label>
              ${this.parameters(draft)}`
          : nothing
      }
      ${
        this.refused
          ? html`<div class="row">
              <p class="wrong grow" role="alert">${this.refused}</p>
              ${line ? html`<button type="button" @click=${() => this.point(line)}>Go to line ${line}</button>` : nothing}
            </div>`
          : nothing
      }
      <label class="field"
        >Source: Jinja2 that makes YAML, the list of sections as REST spells them
        <textarea
          id="source"
          class="code"
          spellcheck="false"
          maxlength="100000"
          ?readonly=${!changeable}
          .value=${draft.source}
          @input=${write('source')}
        ></textarea>
      </label>
      ${
        changeable
          ? html`<div class="row ends">
              ${this.saved ? html`<span class="good-text" role="status">${this.saved}</span>` : nothing}
              ${draft.name ? nothing : html`<a class="button" href="/reports/templates">Cancel</a>`}
              <button class="primary" ?disabled=${this.busy}>${draft.name ? 'Save as a new version' : 'Create'}</button>
            </div>`
          : nothing
      }
    </form>`
  }

  private parameters({ parameters }: ReportTemplate) {
    const set = (parameters: TemplateParameter[]) => this.change({ parameters })
    return html`<fieldset>
      <legend>Parameters: id, name, kind, default (required where there is none)</legend>
      ${parameters.map((each, at) => {
        const put = (change: Partial<Omit<TemplateParameter, '$typeName' | '$unknown'>>) =>
          set(parameters.with(at, create(TemplateParameterSchema, { ...each, ...change })))
        const label = `parameter ${at + 1}`
        return html`<div class="asked" role="group" aria-label="Parameter ${at + 1}">
          <input aria-label="Id of ${label}" placeholder="id" maxlength="40" spellcheck="false" .value=${each.id} @change=${(event: Event) => put({ id: read(event) })} />
          <input aria-label="Name of ${label}" placeholder="name" .value=${each.displayName} @change=${(event: Event) => put({ displayName: read(event) })} />
          ${select(`Kind of ${label}`, KINDS, each.kind, kind => put({ kind, defaultValue: undefined }))}
          <input
            aria-label="Default of ${label}"
            placeholder="required"
            .value=${shown(usual(each))}
            @change=${(event: Event) => put({ defaultValue: valued(written(each, read(event))) })}
          />
          <button type="button" class="quiet icon-only" aria-label="Delete ${label}" title="Delete" @click=${() => set(parameters.toSpliced(at, 1))}>
            ${icon('close')}
          </button>
        </div>`
      })}
      ${
        parameters.length < MOST
          ? html`<div class="row">
              <button type="button" class="quiet" @click=${() => set([...parameters, create(TemplateParameterSchema, { id: `parameter_${parameters.length + 1}` })])}>
                ${icon('add')} Parameter
              </button>
            </div>`
          : nothing
      }
    </fieldset>`
  }

  private made(draft: ReportTemplate) {
    const { sections, use } = this
    const wanted = wanting(draft, use)
    return html`<section class="panel inner" aria-label="What it makes">
      <h2>What it makes</h2>
      ${parametersForm(this.session, draft, use, [], chosen => {
        this.use = chosen
        this.lookSoon()
      })}
      ${
        wanted.length
          ? html`<p class="muted" role="status">Choose first: ${wanted.map(nameOf).join(', ')}.</p>`
          : this.refused
            ? html`<p class="muted" role="status">Nothing, for the source is at fault.</p>`
            : sections
              ? html`<ol aria-label="Sections">
                  ${sections.map(each => html`<li>${titleOf(each) || each.id} <span class="chip">${kindOf(each)}</span></li>`)}
                </ol>`
              : html`<p class="muted" role="status">Making its sections…</p>`
      }
    </section>`
  }

  private change(fields: Partial<Omit<ReportTemplate, '$typeName' | '$unknown'>>) {
    this.draft = create(ReportTemplateSchema, { ...(this.draft ?? begun()), ...fields })
    this.saved = ''
    this.lookSoon()
  }

  private lookSoon() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.look(), PAUSE)
  }

  /** Asks for the sections that it makes as it is being edited. */
  private async look() {
    const { draft, use } = this
    if (!draft || wanting(draft, use).length) return
    const { project } = this.session
    const { failure } = this
    const well = await this.read(
      () =>
        reports.expandReportTemplate({
          name: draft.name || DRAFT,
          project,
          values: use.values,
          reportTemplate: clone(ReportTemplateSchema, {
            ...draft,
            displayName: draft.displayName || 'Draft',
          }),
        }),
      ({ sections }) => (this.sections = sections),
    )
    // What is wrong with the source stands at the source.
    this.refused = well ? '' : this.failure.replace(/^report_template\.source:? /i, '')
    this.failure = failure
  }

  /** Selects a line of the source. */
  private point(line: number) {
    const { source } = this
    if (!source) return
    const lines = source.value.split('\n')
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0)
    source.focus()
    source.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0))
    source.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(source).lineHeight))
  }

  private save = async (event: SubmitEvent) => {
    event.preventDefault()
    const reportTemplate = clone(ReportTemplateSchema, this.draft!)
    const { project: parent } = this.session
    await this.act(async () => {
      if (reportTemplate.name) {
        const made = await reports.updateReportTemplate({ reportTemplate })
        this.draft = made.reportTemplate
        this.saved = `Version ${this.draft!.version} is saved.`
      } else {
        const made = await reports.createReportTemplate({
          parent,
          reportTemplate,
          requestId: crypto.randomUUID(),
        })
        navigate(`/reports/templates/${idOf(made.reportTemplate!.name)}`)
      }
    })
  }

  private double = () =>
    this.act(async () => {
      const { displayName, description, parameters, source } = this.draft!
      const reportTemplate = create(ReportTemplateSchema, {
        displayName: `${displayName} (copy)`.slice(0, 100),
        description,
        parameters,
        source,
      })
      const { project: parent } = this.session
      const made = await reports.createReportTemplate({
        parent,
        reportTemplate,
        requestId: crypto.randomUUID(),
      })
      navigate(`/reports/templates/${idOf(made.reportTemplate!.name)}`)
    })

  private forget = async () => {
    if (await this.act(() => reports.deleteReportTemplate({ name: this.draft!.name })))
      navigate('/reports/templates')
  }

  private async load() {
    if (this.name === NEW) {
      this.draft = begun()
      await this.look()
      return
    }
    const builtIn = this.name.startsWith('-')
    const parent = builtIn ? 'projects/-' : this.session.project
    const name = `${parent}/reportTemplates/${builtIn ? this.name.slice(1) : this.name}`
    const read = await this.read(
      () => reports.getReportTemplate({ name }),
      ({ reportTemplate }) => (this.draft = reportTemplate),
    )
    if (read) await this.look()
  }
}

/** A JSON value as the contract holds it. */
function valued(value: JsonValue | undefined) {
  return value === undefined ? undefined : fromJson(ValueSchema, value)
}

function read(event: Event): string {
  return (event.target as HTMLInputElement).value.trim()
}
