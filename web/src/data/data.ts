import { type TemplateResult, html } from 'lit'
import { customElement } from 'lit/decorators.js'
import type { DataSection } from '../app/router'
import { Sections } from '../page/sections'
import './events'
import './ledger'
import './letters'
import './partitions'
import './privacy'
import './producers'
import './rules'
import './schemas'
import './windows'

/** The data itself: what events there are and how good, what is done to them on their way, what went wrong, and how long they stay. */
@customElement('tm-data')
export class Data extends Sections<DataSection> {
  protected readonly path = '/data'
  protected readonly heading = 'Data'
  protected readonly titles = {
    events: 'Events',
    schemas: 'Schemas',
    rules: 'Rules',
    letters: 'Dead letters',
    windows: 'Windows',
    ledger: 'Ledger',
    producers: 'Producers',
    partitions: 'Partitions',
    privacy: 'Privacy',
  }

  protected override page(): TemplateResult {
    const { session, name } = this
    switch (this.section) {
      case 'events':
        return html`<tm-data-events .session=${session} .name=${name}></tm-data-events>`
      case 'schemas':
        return html`<tm-data-schemas .session=${session} .name=${name}></tm-data-schemas>`
      case 'rules':
        return html`<tm-data-rules .session=${session}></tm-data-rules>`
      case 'letters':
        return html`<tm-data-letters .session=${session} .name=${name}></tm-data-letters>`
      case 'windows':
        return html`<tm-data-windows .session=${session} .name=${name}></tm-data-windows>`
      case 'ledger':
        return html`<tm-data-ledger .session=${session}></tm-data-ledger>`
      case 'producers':
        return html`<tm-data-producers .session=${session}></tm-data-producers>`
      case 'partitions':
        return html`<tm-data-partitions .session=${session}></tm-data-partitions>`
      case 'privacy':
        return html`<tm-data-privacy .session=${session}></tm-data-privacy>`
    }
  }
}
