import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import './health'

/** What is happening now, and whether it can be trusted. */
@customElement('tm-home')
export class Home extends LitElement {
  @property({ attribute: false }) session!: Session

  static override styles = [shared, css``]

  override render() {
    return html`<tm-health .session=${this.session}></tm-health>`
  }
}
