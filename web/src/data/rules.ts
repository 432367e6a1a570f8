import { html } from 'lit'
import { customElement } from 'lit/decorators.js'
import { Page } from './page'

@customElement('tm-data-rules')
export class RulesPage extends Page {
  override render() {
    return html`<h1>Rules</h1>`
  }
}
