import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { idOf, when } from '../common/words'
import type { ReportTemplate } from '../gen/tidemark/v1/report_pb'
import { number } from '../model/format'
import { Page } from '../page/page'
import { reports } from './clients'
import { NEW } from './template'

/** All templates: those that come with Tidemark, then those of the project. */
@customElement('tm-report-templates')
export class Templates extends Page {
  @state() private templates?: ReportTemplate[]

  static override styles = [
    ...Page.styles,
    css`
      .actions {
        justify-content: flex-end;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Templates</h1>
        <span class="grow"></span>
        ${this.session.author ? html`<a class="button primary" href="/reports/templates/${NEW}">${icon('add')} New template</a>` : nothing}
        <p class="muted">What makes the sections of reports, with parameters to choose. A report keeps the version that it was saved with.</p>
      </header>
      ${this.trouble()} ${this.sheet('Templates', this.body())}
    `
  }

  private body() {
    const { templates } = this
    if (!templates?.length) return this.empty(templates !== undefined, 'No templates')
    return html`<table>
      <thead>
        <tr>
          <th scope="col">Template</th>
          <th scope="col" class="number">Version</th>
          <th scope="col">Asks for</th>
          <th scope="col">Changed</th>
          ${this.session.author ? html`<th scope="col"><span class="hidden-text">Actions</span></th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${templates.map(each => this.row(each))}
      </tbody>
    </table>`
  }

  private row({ name, displayName, description, builtIn, version, parameters, createTime }: ReportTemplate) {
    const title = displayName || idOf(name)
    return html`<tr>
      <td class="text">
        <a href=${pathOf(name)}>${title}</a> ${builtIn ? html`<span class="chip">built in</span>` : nothing}
        ${description ? html`<p class="muted small">${description}</p>` : nothing}
      </td>
      <td class="number">${number(version)}</td>
      <td class="text">${parameters.map(each => each.displayName || each.id).join(', ') || html`<span class="muted">nothing</span>`}</td>
      <td class="muted">${builtIn ? '–' : when(createTime, this.session.zone)}</td>
      ${
        this.session.author
          ? html`<td>
              <div class="row actions">
                <a class="button" aria-label="New report of ${title}" href="/reports/builder?template=${encodeURIComponent(name)}">New report</a>
              </div>
            </td>`
          : nothing
      }
    </tr>`
  }

  private async load() {
    const { project: parent } = this.session
    await this.read(
      () => reports.listReportTemplates({ parent }),
      ({ reportTemplates }) => (this.templates = reportTemplates),
    )
  }
}

/** Where a template is shown; those that come with Tidemark belong to no project. */
function pathOf(name: string): string {
  return `/reports/templates/${name.startsWith('projects/-/') ? '-' : ''}${idOf(name)}`
}
