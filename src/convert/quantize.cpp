// See quantize.h. A plan lists the tensors with their source rows and their new form. Then one streaming pass reads a
// block of rows, converts it on all threads and writes it. Scales and biases of one tensor wait in memory until its
// codes are written.
#include "convert/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/check.h"
#include "base/thread_pool.h"
#include "convert/layout.h"
#include "convert/model_files.h"
#include "convert/row_converter.h"
#include "convert/sharded_writer.h"
#include "convert/source.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr int64_t kBlockBytes = 8 << 20;  // bytes of source rows in one block

struct Job {
  ModelTensor tensor;
  CheckpointRows rows;
  RowConversion conversion;
};

struct Plan {
  std::vector<Job> jobs;
  std::vector<SafetensorsWriter::Declaration> declarations;
  Json quantization_block;
  int64_t weights = 0;
};

// Returns the dtype of floats and scales after the conversion. A_log keeps its dtype, because its exponent has to stay
// exact.
DType target_dtype(const ModelTensor& tensor, const WeightFormat& from, const std::optional<DType>& config_dtype) {
  const DType own = float_dtype(from);
  return tensor.role == TensorRole::kDecay ? own : config_dtype.value_or(own);
}

WeightFormat target_format(const std::optional<QuantizationParams>& params, DType dtype) {
  if (!params) return {.dtype = dtype, .quant = {}};
  return {.dtype = DType::kU32, .quant = {params->bits, params->group, dtype}};
}

Plan make_plan(ConversionSource& source, const ModelConfig& config, const std::optional<DType>& dtype,
               const QuantizationChoice& choice) {
  FileForm form = published_form(config);
  form.delta_net = source.delta_net_form(config);
  std::vector<ModelTensor> tensors = model_tensors(config, form.delta_net);
  for (ModelTensor& tensor : mtp_tensors(config, source.mtp_layers())) tensors.push_back(std::move(tensor));
  Plan plan;
  for (const ModelTensor& tensor : tensors) {
    const auto params = choose_quantization(tensor, choice);
    CheckpointRows rows = source.rows(tensor);
    const WeightFormat from = rows.format();
    const DType target = target_dtype(tensor, from, dtype);
    for (auto& declaration : declare_mlx(tensor, params, target, form)) {
      plan.declarations.push_back(std::move(declaration));
    }
    const RowConversion conversion{.from = from, .to = target_format(params, target), .cols = tensor.cols};
    plan.jobs.push_back({tensor, std::move(rows), conversion});
    plan.weights += tensor.all_rows() * tensor.cols;
  }
  const bool raw_norms = source.has_raw_norms(config.norms);
  for (Job& job : plan.jobs) job.conversion.add_one = raw_norms && job.tensor.role == TensorRole::kNorm;
  plan.quantization_block = quantization_block(tensors, choice, form);
  return plan;
}

// Converts the first `count` rows of `in` into `out`. first: the number of the first of them in the tensor, for
// messages.
void convert_block(ThreadPool& pool, const Job& job, RowBuffer& in, RowBuffer& out, int64_t first, int64_t count) {
  std::atomic<int64_t> broken_row{-1};
  pool.run([&](int thread) {
    std::vector<float> scratch;
    const int64_t end = count * (thread + 1) / pool.size();
    for (int64_t row = count * thread / pool.size(); row < end; ++row) {
      if (!convert_row(out.at(row), in.at(row), job.conversion, scratch)) broken_row = first + row;
    }
  });
  if (broken_row < 0) return;
  throw Error(ErrorCode::kNonFinite, job.tensor.name(),
              fmt::format("row {} holds a value that is not finite as {}", broken_row.load(),
                          name(float_dtype(job.conversion.to))),
              "the checkpoint is damaged, or its config.json asks for a dtype that cannot hold its weights");
}

void run_job(ThreadPool& pool, const Job& job, ShardedWriter& writer, const std::function<void()>& tick) {
  const auto& [from, to, cols, add_one] = job.conversion;
  const int64_t total = job.rows.rows();
  const int64_t row_bytes = from.row_bytes(cols);
  MOEBIUS_CHECK(row_bytes > 0);
  const int64_t block = std::clamp<int64_t>(kBlockBytes / row_bytes, 1, total);
  RowBuffer in(from, block, cols);
  RowBuffer out(to, block, cols);
  std::vector<std::byte> scales, biases;
  for (int64_t first = 0; first < total; first += block) {
    const int64_t count = std::min(block, total - first);
    job.rows.read(first, count, in.at(0));
    convert_block(pool, job, in, out, first, count);
    writer.write(out.weights(count));
    const auto part = static_cast<std::ptrdiff_t>(count * to.scale_row_bytes(cols));
    scales.insert(scales.end(), out.scales().begin(), out.scales().begin() + part);
    biases.insert(biases.end(), out.biases().begin(), out.biases().begin() + part);
    tick();
  }
  writer.write(scales);
  writer.write(biases);
}

}  // namespace

QuantizeReport quantize(const std::filesystem::path& source_path, const std::filesystem::path& out,
                        const QuantizeOptions& options) {
  const QuantizationChoice choice{{options.bits, options.group}, {options.router_bits, 64}};
  check_choice(choice);
  const ModelDir directory(source_path);
  const ModelConfig config = parse_model_config(directory.config(), (source_path / "config.json").string());
  ConversionSource source(directory);
  if (config.tied_embeddings) source.ignore("lm_head");
  const Plan plan = make_plan(source, config, config_dtype(directory.config()), choice);

  QuantizeReport report;
  report.left_over = source.left_over();
  report.source_bytes = source.bytes();
  AtomicDirectory target(out);
  ShardedWriter writer(target.path(), plan.declarations, "mlx");
  ThreadPool pool(options.threads);
  const auto tick = [&] {
    if (options.progress) options.progress(directory.bytes_read(), report.source_bytes);
  };
  for (const Job& job : plan.jobs) run_job(pool, job, writer, tick);
  writer.finish();
  write_config(target.path(), converted_config(directory.config(), config.model_type, plan.quantization_block));
  copy_text_files(source_path, target.path());
  target.commit();
  report.written_bytes = writer.total_bytes();
  report.bits_per_weight = 8.0 * static_cast<double>(report.written_bytes) / static_cast<double>(plan.weights);
  return report;
}

}  // namespace moebius::internal
