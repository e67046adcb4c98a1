package toolkit;

import toolkit.Manifest.Preset;

/** From pictures to what a network takes, as its manifest says. */
public final class Preparation {
  private static final long LONGEST = 16; // of longer pictures the middle is taken

  private Preparation() {}

  /** (1, 3, height, width): the picture as the network of this manifest takes it. */
  public static Tensor prepare(Manifest manifest, Picture picture) {
    Preset preset = manifest.preprocess();
    if (preset == null)
      throw new Failure(manifest.name() + " does not say how pictures are prepared");
    Picture seen = crop(preset, picture);
    int plane = seen.height() * seen.width();
    float[] values = new float[3 * plane];
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < plane; i++)
        values[c * plane + i] =
            ((seen.pixels()[3 * i + c] & 255) / 255f - preset.mean()[c]) / preset.std()[c];
    return Tensor.of(values, 1, 3, seen.height(), seen.width());
  }

  /** The part of the picture that the network sees. */
  static Picture crop(Preset preset, Picture picture) {
    String how = preset.interpolation();
    if (preset.resize() == null)
      return Resizing.resize(picture, preset.height(), preset.width(), how);
    Picture middle =
        picture.crop(
            (int) Math.min(picture.height(), LONGEST * picture.width()),
            (int) Math.min(picture.width(), LONGEST * picture.height()));
    int side = preset.resize();
    int high = middle.height();
    int wide = middle.width();
    Picture small =
        high > wide
            ? Resizing.resize(middle, (int) ((long) side * high / wide), side, how)
            : Resizing.resize(middle, side, (int) ((long) side * wide / high), how);
    return small.crop(preset.height(), preset.width());
  }
}
