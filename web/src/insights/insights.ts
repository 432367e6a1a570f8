import { type TemplateResult, html } from 'lit'
import { customElement } from 'lit/decorators.js'
import type { InsightSection } from '../app/router'
import { Sections } from '../page/sections'
import './alerts'
import './baselines'
import './channels'
import './findings'
import './forecast'
import './incidents'
import './indicators'
import './models'

/** What has been found out about a project, what is to be expected of it, and who is told. */
@customElement('tm-insights')
export class Insights extends Sections<InsightSection> {
  protected readonly path = '/insights'
  protected readonly heading = 'Insights'
  protected readonly titles = {
    findings: 'Findings',
    baselines: 'Baselines',
    indicators: 'Indicators',
    forecast: 'Forecast',
    models: 'Models',
    alerts: 'Alerts',
    incidents: 'Incidents',
    channels: 'Channels',
  }

  protected override page(): TemplateResult {
    const { session, name } = this
    switch (this.section) {
      case 'findings':
        return html`<tm-findings .session=${session} .name=${name}></tm-findings>`
      case 'baselines':
        return html`<tm-baselines .session=${session}></tm-baselines>`
      case 'indicators':
        return html`<tm-indicators .session=${session}></tm-indicators>`
      case 'forecast':
        return html`<tm-forecast .session=${session}></tm-forecast>`
      case 'models':
        return name
          ? html`<tm-model .session=${session} .name=${name}></tm-model>`
          : html`<tm-models .session=${session}></tm-models>`
      case 'alerts':
        return name
          ? html`<tm-alert .session=${session} .name=${name}></tm-alert>`
          : html`<tm-alerts .session=${session}></tm-alerts>`
      case 'incidents':
        return html`<tm-incidents .session=${session} .name=${name}></tm-incidents>`
      case 'channels':
        return html`<tm-channels .session=${session}></tm-channels>`
    }
  }
}
