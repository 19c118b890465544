// Opens a directory (config, index, shards, headers) and then reads bytes by tensor name.
#include "checkpoint/model_dir.h"

#include <fmt/format.h>

#include <optional>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "base/quote.h"
#include "checkpoint/contained_path.h"
#include "checkpoint/foreign_files.h"
#include "checkpoint/weight_files.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = 8 << 20;
constexpr uint64_t kMaxConfigValues = 1 << 18;
constexpr size_t kNameBytesInMessage = 256;

void check_directory(const fs::path& directory) {
  std::error_code failed;
  const fs::file_status status = fs::status(directory, failed);
  if (status.type() == fs::file_type::directory) return;
  if (fs::exists(status)) {
    throw Error(ErrorCode::kMissingInput, directory.string(), "is not a directory", advice_for_file(directory));
  }
  if (failed == std::errc::permission_denied) {
    throw Error(ErrorCode::kUnreadable, directory.string(), failed.message(), "check the permissions");
  }
  throw Error(ErrorCode::kMissingInput, directory.string(), "does not exist",
              advice("check the path, or download the model", directory));
}

// Explains a directory without config.json by what else is in it.
void check_config_is_there(const fs::path& directory, const fs::path& config) {
  std::error_code ignored;  // reading the file says what is wrong
  if (fs::symlink_status(config, ignored).type() != fs::file_type::not_found) return;
  const std::optional<ForeignFiles> foreign = find_foreign_files(directory);
  throw Error(ErrorCode::kMissingInput, config.string(),
              foreign ? "is not there, but the directory " + foreign->what : "No such file or directory",
              foreign ? foreign->hint : advice("check the path, or download the model", directory));
}

Json read_config(const fs::path& directory) {
  const fs::path path = contained_path(directory, "config.json");
  check_config_is_there(directory, path);
  const JsonLimits limits{.max_bytes = kMaxConfigBytes, .max_values = kMaxConfigValues};
  Json config = parse_json(read_text(path, limits.max_bytes), path.string(), limits);
  const JsonObject must_be_object(config, path.string());
  return config;
}

// aria2 gives a file its whole size at once, and keeps NAME.aria2 beside it until all its bytes are there.
void refuse_unfinished(const fs::path& path) {
  const fs::path control = path.string() + ".aria2";
  std::error_code ignored;  // a file that cannot be examined counts as missing
  if (!fs::exists(control, ignored)) return;
  throw Error(ErrorCode::kTruncated, path.string(), "is not finished: " + control.filename().string() + " is beside it",
              "let aria2 finish the download, or fetch the file again");
}

}  // namespace

ModelDir::ModelDir(const fs::path& directory) : directory_(directory) {
  check_directory(directory_);
  config_ = read_config(directory_);
  quantization_ = QuantizationConfig::parse(config_, (directory_ / "config.json").string());
  open_shards();
}

void ModelDir::open_shards() {
  WeightFiles weights = find_weight_files(directory_);
  left_out_ = std::move(weights.left_out);
  for (const std::string& name : weights.names) {
    File file(contained_path(directory_, name));
    refuse_unfinished(file.path());
    SafetensorsHeader header = read_safetensors_header(file);
    add_file(std::move(file), std::move(header));
  }
}

void ModelDir::add_file(File file, SafetensorsHeader header) {
  const int number = static_cast<int>(files_.size());
  files_.push_back(std::move(file));
  header_checksums_.push_back(std::move(header.checksum));
  for (TensorInfo& info : header.tensors) {
    info.name = name_in(config_, info.name);
    if (info.name.empty()) continue;  // a vision tensor
    const auto found = tensors_.find(info.name);
    if (found != tensors_.end()) {
      throw Error(ErrorCode::kDuplicateKey,
                  files_.back().path().string() + ": " + printable(info.name, kNameBytesInMessage),
                  "is also in " + files_[static_cast<size_t>(found->second.file)].path().filename().string(),
                  "remove the files that do not belong to this checkpoint");
    }
    std::string name = info.name;
    tensors_.emplace(std::move(name), Entry{std::move(info), number});
  }
}

const ModelDir::Entry* ModelDir::find(std::string_view canonical) const {
  const auto found = tensors_.find(canonical);
  return found == tensors_.end() ? nullptr : &found->second;
}

const ModelDir::Entry& ModelDir::at(std::string_view canonical) const {
  if (const Entry* entry = find(canonical)) return *entry;
  const std::optional<std::string> shard = shard_in_index(directory_, config_, canonical);
  const std::string placed = shard ? fmt::format(", although {} places it in {}", kIndexName, in_quotes(*shard)) : "";
  throw Error(ErrorCode::kMissingTensor, directory_.string() + ": " + printable(canonical, kNameBytesInMessage),
              "is not in the checkpoint" + placed,
              !left_out_.empty() ? left_out_
              : shard            ? "the files are not of the same checkpoint: download them again"
                                 : "the checkpoint is incomplete or of another architecture");
}

std::string ModelDir::where(const Entry& entry) const {
  return files_[static_cast<size_t>(entry.file)].path().filename().string() + ": " +
         printable(entry.info.name, kNameBytesInMessage);
}

std::string ModelDir::fingerprint() const {
  std::string text = config_.dump();
  for (size_t i = 0; i < files_.size(); ++i) {
    text += fmt::format("\n{}: {}, header {}", files_[i].path().filename().string(), files_[i].identity(),
                        header_checksums_[i]);
  }
  return moebius::internal::fingerprint(text);
}

void ModelDir::read(const Entry& entry, uint64_t offset, std::span<std::byte> out) const {
  MOEBIUS_CHECK(offset <= entry.info.bytes && out.size() <= entry.info.bytes - offset);
  const File& file = files_[static_cast<size_t>(entry.file)];
  file.read(entry.info.offset + offset, out);
  const uint64_t done = std::atomic_ref(entry.bytes_read).fetch_add(out.size(), std::memory_order_relaxed) + out.size();
  if (done == entry.info.bytes) file.drop_pages(entry.info.offset, entry.info.bytes);
  bytes_read_.fetch_add(out.size(), std::memory_order_relaxed);
}

}  // namespace moebius::internal
