import { html } from 'lit'
import { customElement } from 'lit/decorators.js'
import { Page } from './page'

@customElement('tm-data-windows')
export class WindowsPage extends Page {
  override render() {
    return html`<h1>Windows</h1>`
  }
}
