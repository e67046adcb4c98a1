package toolkit;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** What the example programs share: one line for an error, and the classes of a row of scores. */
public final class Program {
  private static final int USER_ERROR = 2; // the status of a program that was given something wrong

  // Names are not always ASCII, whatever the locale says.
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private Program() {}

  /** What a program does with the words of its command line. */
  public interface Body {
    void run(List<String> words) throws Exception;
  }

  /** Calls `body`; where there are fewer words than `needed`, `usage` is shown instead. */
  public static void run(String[] words, int needed, String usage, Body body) {
    if (words.length < needed) {
      System.err.println("usage: " + usage);
      System.exit(USER_ERROR);
    }
    try {
      Native.prepare();
      body.run(List.of(words));
    } catch (Exception | LinkageError error) {
      System.err.println("error: " + Failure.reason(error));
      System.exit(USER_ERROR);
    }
  }

  /** The word of that number as a number, or `otherwise` where there is none. */
  public static double number(List<String> words, int index, double otherwise) {
    if (index >= words.size()) return otherwise;
    try {
      return Double.parseDouble(words.get(index));
    } catch (NumberFormatException error) {
      throw new Failure("'" + words.get(index) + "' is not a number");
    }
  }

  /** Softmax of a row of scores, or the row itself where it is a distribution already. */
  static double[] probabilities(double[] scores) {
    double sum = 0;
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (double score : scores) {
      sum += score;
      least = Math.min(least, score);
      most = Math.max(most, score);
    }
    if (least >= 0 && Math.abs(sum - 1) <= 1e-3) return scores;
    double[] result = new double[scores.length];
    double total = 0;
    for (int i = 0; i < scores.length; i++) total += result[i] = Math.exp(scores[i] - most);
    for (int i = 0; i < scores.length; i++) result[i] /= total;
    return result;
  }

  /** Prints the `top` most probable classes of the first row: index, name, probability. */
  public static void printClasses(Manifest manifest, Tensor scores, int top) {
    if (scores.shape().length != 2)
      throw new Failure("a classifier gives scores (N, classes), this network gave others");
    double[] row = new double[(int) scores.shape()[1]];
    for (int i = 0; i < row.length; i++) {
      row[i] = scores.get(i);
      if (Double.isNaN(row[i])) throw new Failure("the scores are not a number (NaN)");
    }
    double[] probs = probabilities(row);
    IntStream.range(0, row.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -probs[i]))
        .limit(top)
        .forEach(i -> print("%d\t%s\t%.7f", i, manifest.label(i), probs[i]));
  }

  /** One line, with points in numbers whatever the locale. */
  public static void print(String format, Object... values) {
    OUT.println(String.format(Locale.ROOT, format, values));
  }
}
