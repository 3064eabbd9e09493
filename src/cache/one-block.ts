/** An answer that comes in one piece, as a flight carries it. */
export class OneBlock {
  /** Whether another worker had recorded it meanwhile. */
  readonly isRecorded: boolean;
  final: true | undefined;
  readonly block: Buffer;

  constructor(block: Buffer, isRecorded: boolean) {
    this.block = block;
    this.isRecorded = isRecorded;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Buffer> {
    this.final = true;
    yield this.block;
  }
}
