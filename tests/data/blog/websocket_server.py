import asyncio
import websockets # pip install websocket

async def server(ws, path):
    async for msg in ws:
        # msg = msg.decode("utf-8")
        print(f"Msg from client: {msg}")
        data = f"Got our msg: {msg}".encode("utf-8")
        print(data)
        await ws.send(data)

start_server = websockets.serve(server, "localhost", 5000)
print("Server started")
asyncio.get_event_loop().run_until_complete(start_server)
asyncio.get_event_loop().run_forever()
