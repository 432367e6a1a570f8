/** Files of editions, as readers take them with them. */
import type { EditionFile } from '../gen/tidemark/v1/edition_pb'
import { download } from '../tiles/download'
import { editions } from './clients'

/** Reads a file of an edition piece by piece and gives it to the reader. */
export async function fetched(name: string, { format, fileName }: EditionFile): Promise<void> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let type = ''
  for await (const { contentType, data } of editions.downloadEdition({ name, format })) {
    type ||= contentType
    pieces.push(new Uint8Array(data))
  }
  download(fileName, new Blob(pieces, { type }))
}
