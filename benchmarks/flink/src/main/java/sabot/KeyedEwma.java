package sabot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * Streaming keyed ewma in Flink: string keys, one event at a time, state on the heap, no checkpoints, rows dropped at
 * the end. What Flink can do without is left out: objects are reused, nothing is logged, and the rows are made before
 * the clock starts.
 *
 * <p>Arguments: a folder with symbols.txt (a name a line), keys.i32 and prices.f64 (little-endian, rows that are used
 * again and again), the rows of a run, the runs, the parallelism. Prints a line of JSON: the seconds of each run, from
 * the first task that is ready to the last row.
 */
public final class KeyedEwma {
  private static final double ALPHA = 0.1;
  private static final AtomicLong started = new AtomicLong();
  private static final AtomicLong ended = new AtomicLong();
  private static final AtomicLong rowsSeen = new AtomicLong();
  private static List<Tuple2<String, Double>> ticks;

  /** Makes the row of a number. */
  public static final class Generate extends RichMapFunction<Long, Tuple2<String, Double>> {
    private transient Tuple2<String, Double>[] rows;
    private transient int mask;

    @Override
    @SuppressWarnings("unchecked")
    public void open(OpenContext context) {
      rows = ticks.toArray(new Tuple2[0]);
      mask = rows.length - 1;
      started.accumulateAndGet(System.nanoTime(), Math::min);
    }

    @Override
    public Tuple2<String, Double> map(Long number) {
      return rows[(int) (long) number & mask];
    }
  }

  /** Exponentially weighted mean of the prices of a key. */
  public static final class Ewma extends KeyedProcessFunction<String, Tuple2<String, Double>, Double> {
    private transient ValueState<Double> mean;
    private transient long rows;

    @Override
    public void open(OpenContext context) {
      mean = getRuntimeContext().getState(new ValueStateDescriptor<>("mean", Double.class));
    }

    @Override
    public void processElement(Tuple2<String, Double> tick, Context context, Collector<Double> out) throws IOException {
      final Double before = mean.value();
      final Double after = before == null ? tick.f1 : (Double) (before + ALPHA * (tick.f1 - before));
      mean.update(after);
      out.collect(after);
      ++rows;
    }

    @Override
    public void close() {
      rowsSeen.addAndGet(rows);
      ended.accumulateAndGet(System.nanoTime(), Math::max);
    }
  }

  private static ByteBuffer map(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  private static List<Tuple2<String, Double>> read(Path folder) throws IOException {
    final List<String> symbols = Files.readAllLines(folder.resolve("symbols.txt"));
    final ByteBuffer keys = map(folder.resolve("keys.i32"));
    final ByteBuffer prices = map(folder.resolve("prices.f64"));
    final int rows = keys.remaining() / Integer.BYTES;
    if (Integer.bitCount(rows) != 1) throw new IOException("keys.i32: " + rows + " rows, expected a power of two");
    final List<Tuple2<String, Double>> made = new ArrayList<>(rows);
    for (int row = 0; row < rows; ++row) made.add(Tuple2.of(symbols.get(keys.getInt()), prices.getDouble()));
    return made;
  }

  private static double run(long rows, int parallelism) throws Exception {
    final Configuration settings = new Configuration();
    settings.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    final StreamExecutionEnvironment flink =
        StreamExecutionEnvironment.createLocalEnvironment(parallelism, settings);
    flink.getConfig().enableObjectReuse();
    flink
        .fromSequence(0, rows - 1)
        .map(new Generate())
        .keyBy(tick -> tick.f0)
        .process(new Ewma())
        .sinkTo(new DiscardingSink<>());
    started.set(Long.MAX_VALUE);
    ended.set(Long.MIN_VALUE);
    rowsSeen.set(0);
    flink.execute("keyed ewma");
    if (rowsSeen.get() != rows) throw new IllegalStateException(rowsSeen.get() + " rows came, expected " + rows);
    return (ended.get() - started.get()) / 1e9;
  }

  /** See above. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 4) throw new IllegalArgumentException("expected: folder rows runs parallelism");
    ticks = read(Path.of(arguments[0]));
    final List<String> seconds = new ArrayList<>();
    for (int run = 0; run < Integer.parseInt(arguments[2]); ++run) {
      seconds.add(Double.toString(run(Long.parseLong(arguments[1]), Integer.parseInt(arguments[3]))));
    }
    final String version = EnvironmentInformation.getVersion();
    System.out.println("{\"version\": \"" + version + "\", \"seconds\": [" + String.join(", ", seconds) + "]}");
  }
}
