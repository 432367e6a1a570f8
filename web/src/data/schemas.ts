import { html } from 'lit'
import { customElement } from 'lit/decorators.js'
import { Page } from './page'

@customElement('tm-data-schemas')
export class SchemasPage extends Page {
  override render() {
    return html`<h1>Schemas</h1>`
  }
}
