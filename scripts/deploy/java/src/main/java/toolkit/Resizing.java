package toolkit;

import java.util.Arrays;

/** Resizes pictures as OpenCV does, bit for bit but for rare ties of bicubic. */
final class Resizing {
  private static final int ONE = 1 << 11; // in OpenCV's fixed-point weights

  private Resizing() {}

  /** What one position of the result takes from the source: the first one, and weights from there. */
  private record Taps(int first, double[] weights) {
    double[] fixed() {
      return Arrays.stream(weights).map(w -> Math.rint(w * ONE)).toArray();
    }
  }

  /** To exactly this size, whatever the aspect. */
  static Picture resize(Picture image, int height, int width, String interpolation) {
    if (image.height() == height && image.width() == width) return image;
    boolean shrinks = image.height() >= height && image.width() >= width;
    boolean inCells = image.height() % height == 0 && image.width() % width == 0;
    boolean halves = inCells && image.height() == 2 * height && image.width() == 2 * width;
    return switch (interpolation) {
      case "nearest" -> nearest(image, height, width);
      case "bicubic" -> cubic(image, height, width);
      case "bilinear" ->
          halves ? shrinkByCells(image, height, width) : linear(image, height, width, false);
      case "area" -> {
        if (inCells) yield shrinkByCells(image, height, width);
        yield shrinks ? shrinkByArea(image, height, width) : linear(image, height, width, true);
      }
      default -> throw new Failure(
          "interpolation '" + interpolation
              + "' is not one of nearest, bilinear, bicubic, area; resize the picture beforehand");
    };
  }

  private static int clamp(long value, int most) {
    return (int) Math.max(0, Math.min(most, value));
  }

  private static Picture nearest(Picture image, int height, int width) {
    Picture result = new Picture(height, width);
    double down = 1. / ((double) height / image.height());
    double across = 1. / ((double) width / image.width());
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        for (int c = 0; c < 3; c++) {
          int column = Math.min((int) Math.floor(x * across), image.width() - 1);
          int row = Math.min((int) Math.floor(y * down), image.height() - 1);
          result.pixels()[3 * (y * width + x) + c] = (byte) image.at(row, column, c);
        }
    return result;
  }

  private static Taps[] cubicTaps(int from, int to) {
    Taps[] taps = new Taps[to];
    for (int i = 0; i < to; i++) {
      double place = (i + 0.5) * (1. / ((double) to / from)) - 0.5;
      int first = (int) Math.floor(place);
      double x = place - first;
      taps[i] = new Taps(first - 1, new double[] {outer(1 + x), inner(x), inner(1 - x), outer(2 - x)});
    }
    return taps;
  }

  private static double outer(double t) {
    final double a = -0.75;
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  }

  private static double inner(double t) {
    final double a = -0.75;
    return ((a + 2) * t - (a + 3)) * t * t + 1;
  }

  private static Taps[] linearTaps(int from, int to, boolean asArea, boolean clamp) {
    double enlarged = (double) to / from;
    double scale = 1. / enlarged;
    Taps[] taps = new Taps[to];
    for (int i = 0; i < to; i++) {
      float x = (float) ((i + 0.5) * scale - 0.5);
      int first = (int) Math.floor(x);
      x -= first;
      if (asArea) {
        first = (int) Math.floor(i * scale);
        x = (float) ((i + 1) - (first + 1) * enlarged);
        x = x <= 0 ? 0 : x - (float) Math.floor(x);
      }
      if (clamp && (first < 0 || first >= from - 1)) {
        first = first < 0 ? 0 : from - 1;
        x = 0;
      }
      taps[i] = new Taps(first, new double[] {1f - x, x});
    }
    return taps;
  }

  /** One row of the source, resized: sums of its pixels by the columns' weights. */
  private static double[] across(Picture image, int row, Taps[] columns) {
    double[] line = new double[3 * columns.length];
    for (int x = 0; x < columns.length; x++) {
      double[] weights = columns[x].weights();
      for (int k = 0; k < weights.length; k++) {
        int column = clamp(columns[x].first() + k, image.width() - 1);
        for (int c = 0; c < 3; c++) line[3 * x + c] += image.at(row, column, c) * weights[k];
      }
    }
    return line;
  }

  /** The resized rows that the taps of one row of the result ask for; `cache` is by row. */
  private static double[][] rows(Picture image, Taps taps, Taps[] columns, double[][] cache) {
    double[][] rows = new double[taps.weights().length][];
    for (int k = 0; k < rows.length; k++) {
      int row = clamp(taps.first() + k, image.height() - 1);
      if (cache[row] == null) cache[row] = across(image, row, columns);
      rows[k] = cache[row];
    }
    return rows;
  }

  private static Picture cubic(Picture image, int height, int width) {
    Taps[] columns = cubicTaps(image.width(), width);
    Taps[] lines = cubicTaps(image.height(), height);
    double[][] cache = new double[image.height()][];
    Picture result = new Picture(height, width);
    for (int y = 0; y < height; y++) {
      double[][] rows = rows(image, lines[y], columns, cache);
      for (int x = 0; x < 3 * width; x++) {
        double sum = 0;
        for (int k = 0; k < rows.length; k++) sum += rows[k][x] * lines[y].weights()[k];
        result.pixels()[3 * width * y + x] = (byte) clamp((long) Math.rint(sum), 255);
      }
      Arrays.fill(cache, 0, clamp(lines[y].first(), cache.length), null);
    }
    return result;
  }

  private static Picture linear(Picture image, int height, int width, boolean asArea) {
    Taps[] columns = linearTaps(image.width(), width, asArea, true);
    Taps[] lines = linearTaps(image.height(), height, asArea, false);
    for (int x = 0; x < width; x++) columns[x] = new Taps(columns[x].first(), columns[x].fixed());
    double[][] cache = new double[image.height()][];
    Picture result = new Picture(height, width);
    for (int y = 0; y < height; y++) {
      double[][] rows = rows(image, lines[y], columns, cache);
      double[] weights = lines[y].fixed();
      int first = (int) weights[0];
      int second = (int) weights[1];
      for (int x = 0; x < 3 * width; x++) {
        int high = first * ((int) rows[0][x] >> 4) >> 16;
        int low = second * ((int) rows[1][x] >> 4) >> 16;
        result.pixels()[3 * width * y + x] = (byte) clamp((high + low + 2) >> 2, 255);
      }
      Arrays.fill(cache, 0, clamp(lines[y].first(), cache.length), null);
    }
    return result;
  }

  /** The pixels that each position covers, with their shares. */
  private static Taps[] areaTaps(int from, int to) {
    double scale = (double) from / to;
    Taps[] result = new Taps[to];
    for (int i = 0; i < to; i++) {
      double start = i * scale;
      double end = start + scale;
      double covered = Math.min(scale, from - start);
      int last = Math.min((int) Math.floor(end), from - 1);
      int first = Math.min((int) Math.ceil(start), last);
      boolean head = first - start > 1e-3;
      boolean tail = end - last > 1e-3;
      double[] weights = new double[last - first + (head ? 1 : 0) + (tail ? 1 : 0)];
      Arrays.fill(weights, (float) (1. / covered));
      if (head) weights[0] = (float) ((first - start) / covered);
      if (tail)
        weights[weights.length - 1] =
            (float) (Math.min(Math.min(end - last, 1.), covered) / covered);
      result[i] = new Taps(head ? first - 1 : first, weights);
    }
    return result;
  }

  private static Picture shrinkByArea(Picture image, int height, int width) {
    Taps[] columns = areaTaps(image.width(), width);
    Taps[] lines = areaTaps(image.height(), height);
    Picture result = new Picture(height, width);
    float[] line = new float[3 * width];
    float[] sum = new float[3 * width];
    for (int y = 0; y < height; y++) {
      Arrays.fill(sum, 0);
      for (int k = 0; k < lines[y].weights().length; k++) {
        Arrays.fill(line, 0);
        for (int x = 0; x < width; x++)
          for (int j = 0; j < columns[x].weights().length; j++)
            for (int c = 0; c < 3; c++)
              line[3 * x + c] +=
                  image.at(lines[y].first() + k, columns[x].first() + j, c)
                      * (float) columns[x].weights()[j];
        float weight = (float) lines[y].weights()[k];
        for (int x = 0; x < 3 * width; x++) sum[x] += line[x] * weight;
      }
      for (int x = 0; x < 3 * width; x++)
        result.pixels()[3 * width * y + x] = (byte) clamp((long) Math.rint(sum[x]), 255);
    }
    return result;
  }

  /** Shrinking by whole numbers: the mean of each cell. */
  private static Picture shrinkByCells(Picture image, int height, int width) {
    int rows = image.height() / height;
    int columns = image.width() / width;
    float share = 1f / (rows * columns);
    Picture result = new Picture(height, width);
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        for (int c = 0; c < 3; c++) {
          int sum = 0;
          for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) sum += image.at(y * rows + i, x * columns + j, c);
          long mean = rows == 2 && columns == 2 ? (sum + 2) >> 2 : (long) Math.rint(sum * share);
          result.pixels()[3 * (y * width + x) + c] = (byte) clamp(mean, 255);
        }
    return result;
  }
}
