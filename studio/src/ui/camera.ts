// The camera: what it sees, and single pictures of it.

/** Opens the camera; the one that looks away from the person, where there are two. */
export async function openCamera(): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new Error('the browser gives a camera only to this machine or over TLS');
  return navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: 'environment' } } });
}

export type Format = 'png' | 'jpeg';

export interface Still {
  readonly file: Blob;
  readonly width: number;
  readonly height: number;
}

/** What the video shows now, no side longer than `longest` pixels. */
export async function still(video: HTMLVideoElement, format: Format, longest: number): Promise<Still> {
  const [width, height] = [video.videoWidth, video.videoHeight];
  if (!width || !height) throw new Error('the camera shows nothing yet');
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d');
  if (!context) throw new Error('the browser draws no pictures');
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((made) => canvas.toBlob(made, `image/${format}`, 0.95));
  if (!blob) throw new Error('the browser wrote no picture');
  return { file: blob, width: canvas.width, height: canvas.height };
}
