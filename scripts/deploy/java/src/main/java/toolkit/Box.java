package toolkit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** One row of a detector's result; the corners are x0, y0, x1, y1. */
public record Box(double label, double score, double[] corners) {

  /**
   * The boxes of one picture, best first; those of label -1 are none.
   *
   * <p>A detector gives rows (class, score, x0, y0, x1, y1), (1, rows, 6), or three arrays: classes
   * (1, rows, 1), scores (1, rows, 1), boxes (1, rows, 4).
   */
  public static List<Box> read(List<Tensor> outputs) {
    boolean joined = outputs.size() == 1;
    int width = joined ? 6 : 4;
    Tensor last = outputs.get(outputs.size() - 1);
    boolean fits = last.shape().length == 3 && last.shape()[2] == width;
    if (!fits || (!joined && outputs.size() != 3))
      throw new Failure("these are no outputs of a detector");
    List<Box> boxes = new ArrayList<>();
    for (int i = 0; i < last.shape()[1]; i++) {
      double[] corners = new double[4];
      for (int k = 0; k < 4; k++) corners[k] = last.get(width * i + width - 4 + k);
      double label = joined ? last.get(6 * i) : outputs.get(0).get(i);
      boxes.add(new Box(label, joined ? last.get(6 * i + 1) : outputs.get(1).get(i), corners));
    }
    boxes.sort(Comparator.comparingDouble(box -> -box.score()));
    return boxes;
  }

  /** Prints class, name, score and corners. */
  public void print(Manifest manifest) {
    Program.print(
        "%d\t%s\t%.7f\t%.5f\t%.5f\t%.5f\t%.5f",
        (int) label, manifest.label((int) label), score,
        corners[0], corners[1], corners[2], corners[3]);
  }
}
