import { html } from 'lit'
import { customElement } from 'lit/decorators.js'
import { Page } from './page'

@customElement('tm-data-letters')
export class LettersPage extends Page {
  override render() {
    return html`<h1>Letters</h1>`
  }
}
