import { type TemplateResult, html } from 'lit'
import { customElement } from 'lit/decorators.js'
import type { ReportSection } from '../app/router'
import { Sections } from '../page/sections'
import './all'
import './builder'
import './deliveries'
import './destinations'
import './report'
import './runs'
import './schedules'
import './template'
import './templates'

/** Reports: what they are made of, when they are made, what was made of them, and where it went. */
@customElement('tm-reports')
export class Reports extends Sections<ReportSection> {
  protected readonly path = '/reports'
  protected readonly heading = 'Reports'
  protected readonly titles = {
    all: 'Reports',
    builder: 'Builder',
    schedules: 'Schedules',
    runs: 'Runs',
    deliveries: 'Deliveries',
    destinations: 'Destinations',
    templates: 'Templates',
  }

  protected override page(): TemplateResult {
    const { session, name } = this
    switch (this.section) {
      case 'all':
        return name
          ? html`<tm-report .session=${session} .name=${name}></tm-report>`
          : html`<tm-all-reports .session=${session}></tm-all-reports>`
      case 'builder':
        return html`<tm-report-builder .session=${session} .name=${name}></tm-report-builder>`
      case 'schedules':
        return html`<tm-schedules .session=${session} .report=${`${session.project}/reports/-`}></tm-schedules>`
      case 'runs':
        return html`<tm-runs .session=${session} .report=${`${session.project}/reports/-`}></tm-runs>`
      case 'deliveries':
        return html`<tm-deliveries .session=${session}></tm-deliveries>`
      case 'destinations':
        return html`<tm-destinations .session=${session}></tm-destinations>`
      case 'templates':
        return name
          ? html`<tm-report-template .session=${session} .name=${name}></tm-report-template>`
          : html`<tm-report-templates .session=${session}></tm-report-templates>`
    }
  }
}
