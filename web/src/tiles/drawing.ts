import { LitElement } from 'lit'
import { property } from 'lit/decorators.js'
import { type Tile, TileSchema } from '../gen/tidemark/v1/dashboard_pb'
import { create } from '@bufbuild/protobuf'
import type { Query } from '../gen/tidemark/v1/question_pb'
import type { Answer } from '../model/answer'
import type { Point } from '../model/drill'
import type { Shape } from '../model/format'
import type { Span } from '../model/range'

/** What all drawings are given: the tile, its answer, the time zone, and whether points lead to what is behind them.
 *
 * They dispatch `tm-point` with a `Point` when somebody wants to know what is behind one, `tm-zoom` with a `Span` when somebody
 * marked a span of time, and `tm-filter` with `Match[]` when somebody wants to see only these. */
export class DrawingElement extends LitElement {
  @property({ attribute: false }) tile: Tile = create(TileSchema)
  @property({ attribute: false }) answer?: Answer
  @property() zone = 'UTC'
  @property({ type: Boolean }) drill = false

  protected get question(): Query | undefined {
    return this.tile.content.case === 'query' ? this.tile.content.value : undefined
  }

  /** How values are written, whose own unit is this. */
  protected shape(own = ''): Shape {
    return { unit: this.tile.display?.unit || own, decimals: this.tile.display?.decimals }
  }

  protected point(point: Point) {
    if (this.drill) this.tell('tm-point', point)
  }

  protected zoom(span: Span) {
    this.tell('tm-zoom', span)
  }

  protected tell(name: string, detail: unknown) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }))
  }
}

/** A field that is to be one value. */
export type Match = { field: string; value: string }
