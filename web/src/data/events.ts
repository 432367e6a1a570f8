import { html } from 'lit'
import { customElement } from 'lit/decorators.js'
import { Page } from './page'

@customElement('tm-data-events')
export class EventsPage extends Page {
  override render() {
    return html`<h1>Events</h1>`
  }
}
