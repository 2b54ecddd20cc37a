#include "sabot/env/simulated_transport.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <optional>

namespace sabot::env {

struct SimulatedNetwork::Link {
  struct Event {
    std::optional<Message> message;             // Or, without one, the end:
    arrow::Status status = arrow::Status::OK();  // how it ended.
  };
  struct End {
    std::string peer;
    std::deque<Event> incoming;
    Connection::OnMessage on_message;
    Connection::OnClose on_close;
    bool started = false;
    bool closed = false;  // By itself, or it has heard of the end.
  };
  std::array<End, 2> ends;  // Who connected, who listened.
  std::string target;       // Until the request has arrived.
  bool broken = false;

  bool Hears(int end) const {
    const End& hearer = ends[static_cast<std::size_t>(end)];
    return hearer.started && !hearer.closed && !hearer.incoming.empty();
  }
  bool over() const { return ends[0].closed && ends[1].closed; }
  void Break(const std::string& why) {
    broken = true;
    for (End& end : ends) {
      end.incoming.clear();
      end.incoming.push_back({.message = {}, .status = arrow::Status::IOError("The connection with ", end.peer, why)});
    }
  }
};

namespace {

using Link = SimulatedNetwork::Link;

// As it comes off a wire: one piece, at an address that fits no type.
arrow::Result<Message> Received(const Message& sent) {
  ARROW_ASSIGN_OR_RAISE(auto header, arrow::Buffer::Copy(sent.header, arrow::default_cpu_memory_manager()));
  if (sent.body.empty()) return Message{.header = std::move(header)};
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes, arrow::AllocateBuffer(sent.body_bytes() + 1));
  int64_t position = 1;
  for (const auto& buffer : sent.body) {
    if (buffer->size() > 0) {
      std::memcpy(bytes->mutable_data() + position, buffer->data(), static_cast<std::size_t>(buffer->size()));
    }
    position += buffer->size();
  }
  return Message{.header = std::move(header), .body = {arrow::SliceBuffer(std::move(bytes), 1)}};
}

class SimulatedConnection final : public Connection {
 public:
  SimulatedConnection(std::shared_ptr<Link> link, std::size_t end) : link_(std::move(link)), end_(end) {}
  ~SimulatedConnection() override { Close(); }

  const std::string& peer() const override { return link_->ends[end_].peer; }

  void Start(OnMessage on_message, OnClose on_close) override {
    auto& mine = link_->ends[end_];
    mine.on_message = std::move(on_message);
    mine.on_close = std::move(on_close);
    mine.started = true;
  }

  arrow::Status Send(Message message) override {
    if (link_->ends[end_].closed || link_->broken) {
      return arrow::Status::IOError("The connection with ", peer(), " is closed.");
    }
    auto& other = link_->ends[1 - end_];
    if (other.closed) return arrow::Status::OK();  // The news of it is under way.
    ARROW_ASSIGN_OR_RAISE(auto received, Received(message));
    other.incoming.push_back({.message = std::move(received)});
    return arrow::Status::OK();
  }

  void Close() override {
    auto& mine = link_->ends[end_];
    if (std::exchange(mine.closed, true)) return;
    mine.incoming.clear();
    if (!link_->broken) link_->ends[1 - end_].incoming.push_back({});
  }

 private:
  std::shared_ptr<Link> link_;
  std::size_t end_;
};

std::string ListenerName(const std::string& address, const std::string& path) { return address + path; }

}  // namespace

class SimulatedTransport final : public Transport {
 public:
  SimulatedTransport(SimulatedNetwork& network, std::string address)
      : network_(network), address_(std::move(address)) {}

  arrow::Status Listen(const std::string& path, OnConnect on_connect) override {
    const auto [at, is_new] = network_.listeners_.emplace(ListenerName(address_, path), std::move(on_connect));
    return is_new ? arrow::Status::OK() : arrow::Status::AlreadyExists("Somebody listens at ", at->first, ".");
  }

  void StopListening(const std::string& path) override { network_.listeners_.erase(ListenerName(address_, path)); }

  arrow::Result<std::unique_ptr<Connection>> Connect(const std::string& address, const std::string& path) override {
    auto link = std::make_shared<Link>();
    link->target = ListenerName(address, path);
    link->ends[0].peer = link->target;
    link->ends[1].peer = address_;
    network_.links_.push_back(link);
    return std::make_unique<SimulatedConnection>(std::move(link), 0);
  }

 private:
  SimulatedNetwork& network_;
  std::string address_;
};

std::unique_ptr<Transport> SimulatedNetwork::MakeTransport(std::string address) {
  return std::make_unique<SimulatedTransport>(*this, std::move(address));
}

std::vector<SimulatedNetwork::Direction> SimulatedNetwork::Deliverable() const {
  std::vector<Direction> found;
  for (const auto& link : links_) {
    if (!link->target.empty()) {  // Nothing comes before the request does.
      found.push_back({.link = link, .end = 1});
      continue;
    }
    for (int end = 0; end < 2; ++end) {
      if (link->Hears(end)) found.push_back({.link = link, .end = end});
    }
  }
  return found;
}

bool SimulatedNetwork::DeliverOne(const Choose& choose) {
  std::erase_if(links_, [](const auto& link) { return link->over(); });
  const auto deliverable = Deliverable();
  if (deliverable.empty()) return false;
  const auto [link, hearer] = deliverable[choose(deliverable.size())];
  if (!link->target.empty()) {
    const auto listener = listeners_.find(std::exchange(link->target, ""));
    if (listener == listeners_.end()) {
      link->Break(" was refused: nobody listens there.");
      link->ends[1].closed = true;
    } else {
      const Transport::OnConnect on_connect = listener->second;  // Which may stop listening.
      on_connect(std::make_unique<SimulatedConnection>(link, 1));
    }
    return true;
  }
  Link::End& end = link->ends[static_cast<std::size_t>(hearer)];
  Link::Event event = std::move(end.incoming.front());
  end.incoming.pop_front();
  if (event.message) {
    end.on_message(*std::move(event.message));
  } else {
    end.closed = true;
    end.on_close(event.status);
  }
  return true;
}

bool SimulatedNetwork::BreakOne(const Choose& choose) {
  std::vector<std::shared_ptr<Link>> unbroken;
  for (const auto& link : links_) {
    if (!link->broken && link->target.empty() && !link->over()) unbroken.push_back(link);
  }
  if (unbroken.empty()) return false;
  unbroken[choose(unbroken.size())]->Break(" broke.");
  return true;
}

}  // namespace sabot::env
