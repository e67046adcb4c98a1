package toolkit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** An array in Java's memory, in C order. */
public record Tensor(long[] shape, DataType type, ByteBuffer values) {

  /** An array of these values and this shape. */
  public static Tensor of(float[] values, long... shape) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(4 * values.length).order(ByteOrder.nativeOrder());
    buffer.asFloatBuffer().put(values);
    return new Tensor(shape, DataType.FLOAT32, buffer);
  }

  static Tensor of(NDArray array) {
    return new Tensor(array.getShape().getShape(), array.getDataType(), array.toByteBuffer());
  }

  /** The same in MXNet's memory, as the type that a network wants. */
  NDArray to(NDManager manager, DataType wanted) {
    NDArray array = manager.create(values.duplicate().order(values.order()), new Shape(shape), type);
    return array.toType(wanted, false);
  }

  public int count() {
    return (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  /** The number at `index` of the flat array. */
  public double get(int index) {
    return switch (type) {
      case FLOAT32 -> values.getFloat(4 * index);
      case FLOAT64 -> values.getDouble(8 * index);
      case INT32 -> values.getInt(4 * index);
      case INT64 -> values.getLong(8 * index);
      case INT8 -> values.get(index);
      case UINT8, BOOLEAN -> values.get(index) & 255;
      default -> throw new Failure(type + " cannot be read as numbers here");
    };
  }
}
