// Some seconds of the microphone as a WAV file: one channel, 16 bit.

/** Records; the sample rate is what the browser gives for the one asked for. */
export async function record(seconds: number, rate: number, progress: (share: number) => void): Promise<Blob> {
  if (!navigator.mediaDevices) throw new Error('the browser gives a microphone only to this machine or over TLS');
  // What the model hears on a device is not cleaned up by a browser either.
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  const context = new AudioContext({ sampleRate: rate });
  try {
    await context.audioWorklet.addModule('/recorder.js');
    const node = new AudioWorkletNode(context, 'recorder', { numberOfOutputs: 0 });
    context.createMediaStreamSource(stream).connect(node);
    const wanted = Math.round(seconds * context.sampleRate);
    const samples = new Float32Array(wanted);
    let have = 0;
    await new Promise<void>((done) => {
      node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
        const part = data.subarray(0, wanted - have);
        samples.set(part, have);
        have += part.length;
        progress(have / wanted);
        if (have >= wanted) done();
      };
    });
    return wav(samples, context.sampleRate);
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
  }
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
