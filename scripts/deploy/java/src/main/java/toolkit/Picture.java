package toolkit;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/** (height, width, 3) bytes, RGB. */
public record Picture(int height, int width, byte[] pixels) {
  private static final long MOST_PIXELS = 89478485; // Pillow's MAX_IMAGE_PIXELS
  private static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.US_ASCII);
  private static final int ORIENTATION = 0x0112;
  private static final int SHORT = 3;

  public Picture(int height, int width) {
    this(height, width, new byte[3 * height * width]);
  }

  /** One value of a channel, 0 to 255. */
  int at(int y, int x, int channel) {
    return pixels[3 * (y * width + x) + channel] & 255;
  }

  /** Reads a JPEG or PNG file (or another that ImageIO knows), upright. */
  public static Picture read(String path) {
    try {
      byte[] data = Files.readAllBytes(Path.of(path));
      return fromImage(decode(data, path)).upright(orientation(data));
    } catch (IOException | IllegalArgumentException error) {
      throw new Failure("cannot read " + path, error);
    }
  }

  private static BufferedImage decode(byte[] data, String path) throws IOException {
    try (ImageInputStream stream =
        ImageIO.createImageInputStream(new ByteArrayInputStream(data))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
      if (!readers.hasNext()) throw new Failure("cannot read " + path + ": no picture");
      ImageReader reader = readers.next();
      try {
        reader.setInput(stream);
        if ((long) reader.getWidth(0) * reader.getHeight(0) > MOST_PIXELS)
          throw new Failure("cannot read " + path + ": too many pixels");
        boolean[] damaged = {false};
        reader.addIIOReadWarningListener((source, warning) -> damaged[0] = true);
        BufferedImage image = reader.read(0);
        if (damaged[0]) throw new Failure("cannot read " + path + ": cut off or corrupt");
        return image;
      } finally {
        reader.dispose();
      }
    }
  }

  /** The samples as the file has them (getRGB would convert gray ones), over white. */
  private static Picture fromImage(BufferedImage image) {
    Picture result = new Picture(image.getHeight(), image.getWidth());
    Raster raster = image.getRaster();
    boolean indexed = image.getColorModel() instanceof IndexColorModel;
    int bands = raster.getNumBands();
    int shift = indexed ? 0 : raster.getSampleModel().getSampleSize(0) - 8;
    int[] line = new int[image.getWidth() * bands];
    int[] rgba = {0, 0, 0, 255};
    for (int y = 0; y < result.height; y++) {
      raster.getPixels(0, y, result.width, 1, line);
      for (int x = 0; x < result.width; x++) {
        if (indexed) {
          int color = image.getColorModel().getRGB(line[x]);
          for (int c = 0; c < 4; c++) rgba[c] = color >> (c == 3 ? 24 : 16 - 8 * c) & 255;
        } else {
          for (int c = 0; c < 3; c++) rgba[c] = line[x * bands + (bands < 3 ? 0 : c)] >> shift;
          if (bands % 2 == 0) rgba[3] = line[x * bands + bands - 1] >> shift;
        }
        for (int c = 0; c < 3; c++)
          result.pixels[3 * (y * result.width + x) + c] =
              (byte) ((rgba[c] * rgba[3] + 255 * (255 - rgba[3]) + 127) / 255);
      }
    }
    return result;
  }

  /** Turned and mirrored as an EXIF orientation (1 to 8) says. */
  Picture upright(int orientation) {
    if (orientation < 2 || orientation > 8) return this;
    boolean turned = orientation >= 5;
    boolean flipX = orientation == 2 || orientation == 3 || orientation >= 7;
    boolean flipY = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    Picture result = new Picture(turned ? width : height, turned ? height : width);
    for (int y = 0; y < result.height; y++)
      for (int x = 0; x < result.width; x++) {
        int column = turned ? y : x;
        int row = turned ? x : y;
        if (flipX) column = width - 1 - column;
        if (flipY) row = height - 1 - row;
        System.arraycopy(
            pixels, 3 * (row * width + column), result.pixels, 3 * (y * result.width + x), 3);
      }
    return result;
  }

  /** The orientation in a JPEG file's EXIF block; 1 where it has none or is broken. */
  static int orientation(byte[] data) {
    ByteBuffer file = ByteBuffer.wrap(data);
    try {
      if (file.getShort(0) != (short) 0xFFD8) return 1;
      int place = 2;
      while (data[place] == (byte) 0xFF && data[place + 1] != (byte) 0xDA) {
        int length = file.getShort(place + 2) & 0xFFFF;
        boolean exif = Arrays.equals(data, place + 4, place + 10, EXIF, 0, 6);
        if (data[place + 1] == (byte) 0xE1 && exif)
          return orientation(file.slice(place + 10, length - 8));
        place += 2 + length;
      }
    } catch (IndexOutOfBoundsException error) {
      return 1;
    }
    return 1;
  }

  private static int orientation(ByteBuffer exif) {
    exif.order(exif.get(0) == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    int start = exif.getInt(4);
    for (int i = 0; i < exif.getShort(start); i++) {
      int entry = start + 2 + 12 * i;
      if (exif.getShort(entry) == ORIENTATION && exif.getShort(entry + 2) == SHORT)
        return exif.getShort(entry + 8);
    }
    return 1;
  }

  /** The middle of the picture. */
  Picture crop(int high, int wide) {
    if (high > height || wide > width) throw new Failure("the crop exceeds the picture");
    Picture result = new Picture(high, wide);
    int top = (height - high) / 2;
    int left = (width - wide) / 2;
    for (int y = 0; y < high; y++)
      System.arraycopy(
          pixels, 3 * ((top + y) * width + left), result.pixels, 3 * y * wide, 3 * wide);
    return result;
  }
}
