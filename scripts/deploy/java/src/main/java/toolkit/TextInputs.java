package toolkit;

import java.util.Arrays;
import java.util.List;
import toolkit.Manifest.TensorSpec;

/**
 * From token ids to what a text classifier takes.
 *
 * <p>The network takes tokens (N, T), segments (N, T) and valid_length (N,), in this order. T is the
 * length that it was exported for: shorter texts are padded with zeros.
 */
public final class TextInputs {
  private TextInputs() {}

  /** The ids in a text such as "2 1045 2572 3". */
  public static float[] ids(String text) {
    if (text.isBlank()) return new float[0];
    List<String> words = List.of(text.strip().split("\\s+"));
    float[] ids = new float[words.size()];
    for (int i = 0; i < ids.length; i++) ids[i] = (float) Program.number(words, i, 0);
    return ids;
  }

  /** The three inputs of one text. */
  public static List<Tensor> of(Manifest manifest, float[] tokens, float[] segments) {
    List<TensorSpec> specs = manifest.inputs();
    if (specs.size() != 3 || specs.get(0).shape() == null || specs.get(0).shape().size() != 2)
      throw new Failure(manifest.name() + " does not take tokens, segments and valid_length");
    Integer length = specs.get(0).shape().get(1);
    int padded = length == null ? tokens.length : length;
    if (tokens.length == 0 || tokens.length > padded || segments.length > tokens.length)
      throw new Failure(
          tokens.length + " tokens and " + segments.length + " segments for a network of "
              + padded + " tokens");
    return List.of(
        Tensor.of(Arrays.copyOf(tokens, padded), 1, padded),
        Tensor.of(Arrays.copyOf(segments, padded), 1, padded),
        Tensor.of(new float[] {tokens.length}, 1));
  }
}
