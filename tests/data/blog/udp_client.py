import socket
import json
import time

opened_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
UDP_IP = "127.0.0.1"
UDP_PORT = 4243
lastChat = []

def main():
    first = True
    count = 0
    while True:
        if first: # 第一次可以将进程id发过去
            send_chat(["PIDs", "Greetings! 9527"])
            first = False
        
        count += 1
        send_chat(["CHAT", f"Hello from python {count}"])
        time.sleep(3) # Reduce CPU Usage

def send_chat(chat): # 发包
    byte_message = bytes(json.dumps(chat), "utf-8")
    opened_socket.sendto(byte_message, (UDP_IP, UDP_PORT))


if __name__ == "__main__":
    main()

