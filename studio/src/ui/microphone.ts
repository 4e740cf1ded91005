// The microphone, block by block as it hears, and as a WAV file: one channel, 16 bit. Nothing is compressed on the way.

export interface Microphone {
  /** Samples a second. */
  readonly rate: number;
  close(): Promise<void>;
}

/** Opens the microphone at a rate, or at its own; a browser that cannot bring it to the one asked for gives its own too. */
export async function openMicrophone(wanted: number | undefined, heard: (block: Float32Array) => void): Promise<Microphone> {
  if (!navigator.mediaDevices) throw new Error('the browser gives a microphone only to this machine or over TLS');
  // What the model hears on a device is not cleaned up by a browser either.
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  const own = stream.getAudioTracks()[0]?.getSettings().sampleRate;
  let context: AudioContext | undefined;
  try {
    for (const rate of [wanted ?? own, own]) {
      context = new AudioContext(rate ? { sampleRate: rate } : {});
      try {
        await context.audioWorklet.addModule('/recorder.js');
        const node = new AudioWorkletNode(context, 'recorder', { numberOfOutputs: 0 });
        node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => heard(data);
        context.createMediaStreamSource(stream).connect(node);
        await context.resume();
        break;
      } catch (e) {
        await context.close();
        if (!(e instanceof DOMException && e.name === 'NotSupportedError') || rate === own) throw e;
      }
    }
  } catch (e) {
    stream.getTracks().forEach((track) => track.stop());
    throw e;
  }
  const opened = context as AudioContext;
  return {
    rate: opened.sampleRate,
    async close() {
      stream.getTracks().forEach((track) => track.stop());
      if (opened.state !== 'closed') await opened.close();
    },
  };
}

/** Records some seconds. */
export async function record(seconds: number, rate: number | undefined, progress: (share: number) => void, heard?: (block: Float32Array, rate: number) => void): Promise<Blob> {
  const blocks: Float32Array[] = [];
  let have = 0;
  let wanted = Infinity;
  let done = () => {};
  const full = new Promise<void>((on) => (done = on));
  let hz = 0;
  const microphone = await openMicrophone(rate, (block) => {
    // Its rate is known once it is open.
    if (hz === 0 || have >= wanted) return;
    blocks.push(block);
    have += block.length;
    progress(Math.min(1, have / wanted));
    heard?.(block, hz);
    if (have >= wanted) done();
  });
  try {
    hz = microphone.rate;
    wanted = Math.round(seconds * microphone.rate);
    await full;
    return wav(joined(blocks, wanted), microphone.rate);
  } finally {
    await microphone.close();
  }
}

/** The first `length` samples of blocks. */
export function joined(blocks: readonly Float32Array[], length: number): Float32Array {
  const samples = new Float32Array(length);
  let at = 0;
  for (const block of blocks) {
    const part = block.subarray(0, length - at);
    samples.set(part, at);
    at += part.length;
  }
  return samples;
}

/** 16-bit mono WAV of samples from -1 to 1. */
export function wav(samples: Float32Array, rate: number): Blob {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at: number, word: string) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((v, i) => view.setInt16(44 + 2 * i, Math.round(Math.max(-1, Math.min(1, v)) * 32767), true));
  return new Blob([view.buffer], { type: 'audio/wav' });
}
