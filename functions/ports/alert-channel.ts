import type { UnusualImage } from '../core/unusual-image.ts'

/**
 * Channel that sends unusual images to other systems, each as one alert. Each alert is sent at least once; receivers
 * drop copies by the key of the image.
 */
export interface AlertChannel {
  publish(images: readonly UnusualImage[]): Promise<void>
}
